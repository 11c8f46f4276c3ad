import * as z from "zod/mini";

/** What only the relay can add to a release's files: its signatures (protocol R11). */
export const releaseSeal = z.strictObject({
  /** The file of the gate's tests: an envelope a line, none where the version passed no gate. */
  tests: z.string(),
  /** The model's signature, which names all other files. */
  signature: z.string(),
});
export type ReleaseSeal = z.infer<typeof releaseSeal>;
