import * as z from "zod/mini";
import { count, hash, modelId, positive, publicKey, timeMs } from "./primitives.ts";
import { forkName } from "./version.ts";

/** A contribution to a fork that somebody offers to the fork's upstream, and what became of the offer (protocol K). */
export const proposalLife = z.object({
  /** The contribution's. */
  id: hash,
  /** The upstream's model. */
  model: modelId,
  contributor: publicKey,
  fork: z.object(forkName.shape),
  /** Number of the upstream's version that the fork began as. */
  base: count,
  examples: positive,
  sizeBytes: positive,
  state: z.enum(["waiting", "accepted", "refused"]),
  /** Why it was refused; null otherwise. */
  message: z.nullable(z.string()), // a ban puts a word before its reason
  proposedAt: timeMs,
  decidedAt: z.nullable(timeMs),
});
export type ProposalLife = z.infer<typeof proposalLife>;

/** A model's proposals, the newest first. */
export const proposalList = z.object({ proposals: z.array(proposalLife) });
