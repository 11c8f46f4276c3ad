import * as z from "zod/mini";
import { hash, modelId, positive, publicKey, shortText, timeMs } from "./primitives.ts";

/** What was refused of the work that one device or one build made. */
const refusedShare = z.object({
  name: shortText,
  refused: positive,
  /** All that it made, refused or not. */
  arrived: positive,
  /** By how many standard errors its share of refused work is above that of all others; below 0 where it is not. */
  sigma: z.number(),
  /** The newest refused ones, at most 5. */
  contributions: z.array(hash),
});

/** What was refused in the last 24 hours, by contributor and reason, most first, at most 50 (protocol H21). */
export const refusedWork = z.object({
  model: modelId,
  groups: z.array(
    z.object({
      contributor: publicKey,
      /** Null where none was chosen. */
      name: z._default(z.nullable(shortText), null),
      code: shortText,
      count: positive,
      lastAt: timeMs,
      /** The newest of them, at most 5. */
      contributions: z.array(hash),
    }),
  ),
  /** The same by what the work says that it was made with, the most conspicuous first, at most 20 (protocol H47). */
  devices: z._default(z.array(refusedShare), []),
  builds: z._default(z.array(refusedShare), []),
});
export type RefusedShare = z.infer<typeof refusedShare>;
export type RefusedWork = z.infer<typeof refusedWork>;
