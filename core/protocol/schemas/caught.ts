import * as z from "zod/mini";
import { count, hash, positive, publicKey, timeMs } from "./primitives.ts";

/** What the head of a moment would be without a contributor's merged work; nothing was published. */
export const revertPreview = z.object({
  /** Number of the head. */
  head: count,
  /** How many contributions it would be without. */
  contributions: positive,
  /** By how much the loss on the report set would rise; null where that is no number, or the history cannot be replayed. */
  riseNats: z.nullable(z.number()),
  /** What the gate or the history says against it, in plain words; null if the gate would pass it. */
  objection: z.nullable(z.string()),
});
export type RevertPreview = z.infer<typeof revertPreview>;

/** A contributor whose work failed a spot check, and what of theirs was merged and is still in the model (protocol H26). */
export const caughtKey = z.object({
  contributor: publicKey,
  /** When a check failed last. */
  at: timeMs,
  /** The newest of the merged contributions, at most 20. */
  contributions: z.array(hash),
  /** Null until the relay has looked. */
  preview: z.nullable(revertPreview),
});
export type CaughtKey = z.infer<typeof caughtKey>;
