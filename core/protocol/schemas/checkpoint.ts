import * as z from "zod/mini";
import { count, hash, positive } from "./primitives.ts";

/** In layout order. */
const tensors = z
  .array(
    z.strictObject({
      name: z.string().check(z.maxLength(200)),
      shape: z.array(positive).check(z.maxLength(8)),
    }),
  )
  .check(z.minLength(1), z.maxLength(4096));
const MOST_CHUNKS = z.maxLength(8192);

/** The canonical list of a checkpoint's chunks; the SHA-256 of its RFC 8785 form is the checkpoint's id. */
export const manifest = z.strictObject({
  format: z.literal("commonweight.checkpoint/1"),
  tensors,
  /** Bytes of every chunk but the last; the bytes are the flat parameters, f32 little-endian. */
  chunkBytes: positive,
  chunks: z.array(hash).check(z.minLength(1), MOST_CHUNKS),
});
export type Manifest = z.infer<typeof manifest>;

/** The same chunks in fewer bytes, where their values need no more; it says nothing of the checkpoint's id (protocol T12). */
export const narrowManifest = z.strictObject({
  format: z.literal("commonweight.checkpoint/2"),
  tensors,
  /** Values of every chunk but the last. */
  chunkValues: positive,
  chunks: z
    .array(z.strictObject({ dtype: z.enum(["F32", "F16", "BF16"]), sha256: hash }))
    .check(z.minLength(1), MOST_CHUNKS),
});
export type NarrowManifest = z.infer<typeof narrowManifest>;

/** How a keyframe's chunks are served. */
export const keyframeManifest = z.discriminatedUnion("format", [manifest, narrowManifest]);
export type KeyframeManifest = z.infer<typeof keyframeManifest>;

/** How to build a version's checkpoint: from a keyframe, or from the version that the asker holds. */
export const checkpointPlan = z.object({
  version: count,
  checkpoint: hash,
  /** Null when `from` was given and the steps alone lead to the version. */
  keyframe: z.nullable(z.object({ version: count, checkpoint: hash, manifest: keyframeManifest })),
  /** Delta steps in ascending order, each leading to `version`. */
  steps: z.array(z.object({ version: count, checkpoint: hash, sha256: hash, sizeBytes: positive })),
  /** Prefix of every blob's address, ending in "/". */
  blobs: z.string(),
});
export type CheckpointPlan = z.infer<typeof checkpointPlan>;
