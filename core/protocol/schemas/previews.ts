import * as z from "zod/mini";
import { count, hash, longText, modelId, publicKey } from "./primitives.ts";
import { flipCount, metrics, suiteTest } from "./version.ts";

/** What an act of a maintainer would do (protocol R1). Asking changes nothing. */

/** What pausing, retiring a model or going on with it concerns. */
export const modelPreview = z.object({
  model: modelId,
  head: count,
  paused: z.boolean(),
  /** Why it is retired; null where it is not. */
  retired: z.nullable(longText),
  /** Contributions by where they wait. */
  waiting: z.object({ received: count, scored: count, queued: count }),
  /** Tickets that may still come back. */
  tickets: count,
});
export type ModelPreview = z.infer<typeof modelPreview>;

/** What a ban would refuse, and what of the contributor's stays. */
export const banPreview = z.object({
  contributor: publicKey,
  /** Why the contributor is banned already; null where there is no ban. */
  banned: z.nullable(longText),
  /** Work that waits would be refused; what is merged would stay. */
  models: z.array(z.object({ model: modelId, waiting: count, merged: count })),
});
export type BanPreview = z.infer<typeof banPreview>;

/** What taking a merged contribution out would do to the head. */
export const revertOutlook = z.object({
  model: modelId,
  contribution: hash,
  contributor: publicKey,
  /** The version that merged it, and its multiplier there. */
  version: count,
  multiplier: count,
  credit: z.number(),
  /** The version that it would be taken out of, and how many versions are computed anew for that. */
  head: count,
  replayed: count,
  /** Merged work that was trained on a version with the contribution in it: it stays, with what it learnt from that. */
  later: z.object({ contributions: count, contributors: count }),
  /** Parameters that would change, of how many, and how far. */
  changed: count,
  parameters: count,
  norm: z.number(),
  /** The tensors that would change most. */
  tensors: z.array(z.object({ tensor: z.string(), changed: count, norm: z.number() })),
  /** The report set before and after. */
  report: z.object({ before: z.object(metrics.shape), after: z.object(metrics.shape) }),
  /** The gate's tests of the model without it. */
  tests: z.array(z.object(suiteTest.shape)),
  flips: z.nullable(z.object(flipCount.shape)),
  /** What the gate says against it; null where it passes. */
  objection: z.nullable(z.string()),
});
export type RevertOutlook = z.infer<typeof revertOutlook>;

/** The relay computes an outlook in the background: ask again while it is working. */
export const revertAnswer = z.discriminatedUnion("state", [
  z.object({ state: z.literal("working") }),
  z.object({ state: z.literal("failed"), message: z.string() }),
  z.object({ state: z.literal("ready"), outlook: revertOutlook }),
]);
export type RevertAnswer = z.infer<typeof revertAnswer>;

/** What a version would be as the next release (protocol R2). */
export const tagPreview = z.object({
  model: modelId,
  version: count,
  /** The last release; null before the first. */
  last: z.nullable(z.object({ tag: z.string(), version: count })),
  /** The least that its number must promise, and the number that follows. */
  step: z.enum(["first", "patch", "minor", "major"]),
  proposed: z.string(),
  /** The tests against the last release that it passed before it was published. */
  tests: z.array(z.object(suiteTest.shape)),
  /** Suites that it was tested on and the last release was not. */
  newSuites: z.array(z.string()),
  /** The report set at the last release, if there is one, and at this version. */
  report: z.object({
    before: z.nullable(z.object(metrics.shape)),
    after: z.object(metrics.shape),
  }),
});
export type TagPreview = z.infer<typeof tagPreview>;
