import * as z from "zod/mini";
import { hash, modelId, positive, publicKey, shortText, timeMs } from "./primitives.ts";

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
});
export type RefusedWork = z.infer<typeof refusedWork>;
