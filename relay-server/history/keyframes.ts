import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import type { Layout } from "../../core/tensors/layout.ts";
import { type NamedCheckpoint, writeKeyframe } from "../../core/tensors/manifest.ts";
import type { PublicBlobs } from "../content/public-blobs.ts";

/**
 * Keep the whole of a checkpoint, in the fewest bytes (protocol T12): its chunks and its manifests. Returns the blob of the
 * narrow manifest, or null where the checkpoint's own lists the chunks.
 */
export async function putKeyframe(
  blobs: PublicBlobs,
  layout: Layout,
  parameters: Float32Array,
  named: NamedCheckpoint,
): Promise<string | null> {
  const manifest = await writeKeyframe(layout, parameters, named, blobs.put);
  await blobs.put(encodeCanonical(named.manifest));
  return manifest === named.manifest ? null : blobs.put(encodeCanonical(manifest));
}
