import * as z from "zod/mini";
import { count, modelId, shortText, timeMs } from "./primitives.ts";

/** The stations that a patch passes one after the other. */
export const FLOW_STAGES = [
  "received",
  "well-formed",
  "screened",
  "scored",
  "queued",
  "merged",
] as const;

const spread = z.nullable(z.object({ p50: z.number(), p95: z.number() }));

/** What became of the newest work of the last 24 hours, at most 5,000 contributions (protocol H46). */
export const flow = z.object({
  model: modelId,
  /** What is told of came after that; later than 24 hours ago where more than 5,000 did. */
  since: timeMs,
  until: timeMs,
  stages: z.array(
    z.object({
      stage: z.enum(FLOW_STAGES),
      /** Came so far. */
      passed: count,
      /** Of these, wait there. */
      waiting: count,
      /** Of these, went no further, by reason, most first. */
      lost: z.array(z.object({ code: shortText, count })),
    }),
  ),
  /** From the receipt to the first judgement, and to the merge, in seconds; null where there was none. */
  verdictSeconds: spread,
  mergeSeconds: spread,
  /** The same time in 24 parts, the first one first, by when work arrived. */
  parts: z.array(
    z.object({
      at: timeMs,
      received: count,
      merged: count,
      refused: count,
      /** Medians; null where there was none. */
      verdictSeconds: z.nullable(z.number()),
      mergeSeconds: z.nullable(z.number()),
    }),
  ),
});
export type Flow = z.infer<typeof flow>;
