import * as z from "zod/mini";
import { count, modelId, positive, publicKey, shortText } from "./primitives.ts";

/** What happens to a model this minute (protocol H45). */
export const now = z.object({
  model: modelId,
  /** Who has work that may still come back. */
  training: z.object({
    count,
    /** The newest of them, at most 100; a name is null where none was chosen. */
    contributors: z.array(z.object({ contributor: publicKey, name: z.nullable(shortText) })),
  }),
  /** What goes into the next version. */
  cohort: z.object({
    /** Patches that close it. */
    size: positive,
    /** Patches that wait in it. */
    queued: count,
    /** Whose they are, the first one first, at most 100. */
    contributors: z.array(publicKey),
    /** It closes after so long at the latest; null while nothing waits. */
    closesInSeconds: z.nullable(count),
  }),
});
export type Now = z.infer<typeof now>;
