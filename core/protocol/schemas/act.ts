import * as z from "zod/mini";
import { count, hash, longText, modelId, publicKey, signature, timeMs } from "./primitives.ts";

const versionName = z.strictObject({ number: count, id: hash });

/** What a maintainer decided (protocol R5): that no work is given out any more, or that it is again. */
export const deed = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("retire") }),
  z.strictObject({ kind: z.literal("unretire") }),
]);
export type Deed = z.infer<typeof deed>;

/** An act of a maintainer that readers rely on, without its signature: its RFC 8785 form is hashed to the act's id. */
export const actRecord = z.strictObject({
  format: z.literal("commonweight.act/1"),
  model: modelId,
  /** From 0 on. */
  number: count,
  /** Id of the act before it; null for act 0. */
  parent: z.nullable(hash),
  createdAt: timeMs,
  /** The key that signs the history. */
  relayKey: publicKey,
  /** The newest version at that time. */
  head: versionName,
  /** Why, in the maintainer's words. */
  reason: longText,
  deed,
});
export type ActRecord = z.infer<typeof actRecord>;

export const signedAct = z.strictObject({ record: actRecord, signature });
export type SignedAct = z.infer<typeof signedAct>;

/** Every act of a model, the first one first. */
export const actList = z.object({ acts: z.array(signedAct) });
