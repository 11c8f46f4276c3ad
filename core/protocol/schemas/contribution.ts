import * as z from "zod/mini";
import { mask } from "./mask.ts";
import {
  count,
  hash,
  longText,
  modelId,
  positive,
  publicKey,
  shortText,
  ticketId,
  timeMs,
} from "./primitives.ts";

const loss = z.number(); // zod refuses NaN and infinities

/** The header inside a patch file: who made it, from which ticket, and what they saw (protocol P). */
export const patchHeader = z.strictObject({
  format: z.literal("commonweight.patch/1"),
  contributor: publicKey,
  ticket: ticketId,
  model: modelId,
  /** Id of the version that was trained on. */
  base: hash,
  mask,
  /** Indices of the shards that were trained on, as the ticket lists them. */
  shards: z.array(count).check(z.minLength(1), z.maxLength(64)),
  steps: positive,
  examples: positive,
  /** Mean training loss in nats over the first and the last tenth of the steps. */
  lossBefore: loss,
  lossAfter: loss,
  licence: z.literal("CC0-1.0"),
  software: shortText,
  device: shortText,
});
export type PatchHeader = z.infer<typeof patchHeader>;

export const contributionState = z.enum([
  "received",
  "screened",
  "scored",
  "queued",
  "merged",
  "refused",
  "reverted",
]);
export type ContributionState = z.infer<typeof contributionState>;

/** A contribution's life as everyone may read it; answers PUT (the receipt) and GET. */
export const contribution = z.object({
  id: hash,
  model: modelId,
  contributor: publicKey,
  /** Number of the version that was trained on. */
  base: count,
  state: contributionState,
  /** Why, when refused or reverted. */
  reason: z.nullable(z.object({ code: shortText, message: longText })),
  examples: positive,
  sizeBytes: positive,
  receivedAt: timeMs,
  /** When the state last changed. */
  updatedAt: timeMs,
  /** The version it was merged into. */
  version: z.nullable(count),
  /** 0…4096: its weight in that merge. */
  multiplier: z.nullable(count),
  /** Its credit on the leaderboard: examples × multiplier / 4096. */
  credit: z.number(),
});
export type Contribution = z.infer<typeof contribution>;

export const contributionList = z.object({ contributions: z.array(contribution) });
