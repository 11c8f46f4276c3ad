import { FormatError } from "../../core/errors.ts";
import type { Manifest } from "../../core/protocol/schemas/checkpoint.ts";
import { applyDeltaStep, decodeDeltaStep } from "../../core/tensors/delta-step.ts";
import { decodeChunkInto, layoutOfManifest } from "../../core/tensors/manifest.ts";
import type { PublicBlobs } from "./public-blobs.ts";

/** How a version's parameters are built: a keyframe's chunks, and the delta steps that follow it. */
export type ParameterPath = { readonly manifest: Manifest; readonly steps: readonly string[] };

/** A blob that must be there; a FormatError names one that is missing or damaged. */
export async function soundBlob(
  blobs: Pick<PublicBlobs, "read">,
  id: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await blobs.read(id);
  if (bytes === null) throw new FormatError(`blob ${id} is missing or damaged`);
  return bytes;
}

/** The parameters [N] at the end of a path, read chunk by chunk: beside them one chunk or step is in memory. */
export async function readParameters(
  blobs: Pick<PublicBlobs, "read">,
  { manifest, steps }: ParameterPath,
): Promise<Float32Array> {
  let parameters = new Float32Array(layoutOfManifest(manifest).size);
  for (const [index, id] of manifest.chunks.entries()) {
    decodeChunkInto(parameters, index, await soundBlob(blobs, id));
  }
  for (const id of steps) {
    parameters = applyDeltaStep(
      parameters,
      decodeDeltaStep(await soundBlob(blobs, id), parameters),
    );
  }
  return parameters;
}
