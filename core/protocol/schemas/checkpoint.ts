import * as z from "zod/mini";
import { count, hash, positive } from "./primitives.ts";

/** The canonical list of a checkpoint's chunks; the SHA-256 of its RFC 8785 form is the checkpoint's id. */
export const manifest = z.strictObject({
  format: z.literal("commonweight.checkpoint/1"),
  /** In layout order. */
  tensors: z
    .array(
      z.strictObject({
        name: z.string().check(z.maxLength(200)),
        shape: z.array(positive).check(z.maxLength(8)),
      }),
    )
    .check(z.minLength(1), z.maxLength(4096)),
  /** Bytes of every chunk but the last; the bytes are the flat parameters, f32 little-endian. */
  chunkBytes: positive,
  chunks: z.array(hash).check(z.minLength(1), z.maxLength(8192)),
});
export type Manifest = z.infer<typeof manifest>;

/** How to build a version's checkpoint: from a keyframe, or from the version that the asker holds. */
export const checkpointPlan = z.object({
  version: count,
  checkpoint: hash,
  /** Null when `from` was given and the steps alone lead to the version. */
  keyframe: z.nullable(z.object({ version: count, checkpoint: hash, manifest })),
  /** Delta steps in ascending order, each leading to `version`. */
  steps: z.array(z.object({ version: count, checkpoint: hash, sha256: hash, sizeBytes: positive })),
  /** Prefix of every blob's address, ending in "/". */
  blobs: z.string(),
});
export type CheckpointPlan = z.infer<typeof checkpointPlan>;
