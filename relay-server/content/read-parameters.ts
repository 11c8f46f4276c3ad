import { loadAhead } from "../../core/ahead.ts";
import { FormatError } from "../../core/errors.ts";
import type { KeyframeManifest } from "../../core/protocol/schemas/checkpoint.ts";
import { applyDeltaStepInPlace, decodeDeltaStep } from "../../core/tensors/delta-step.ts";
import { chunksOfManifest, readKeyframe } from "../../core/tensors/manifest.ts";
import type { PublicBlobs } from "./public-blobs.ts";

/** How a version's parameters are built: a keyframe's chunks, and the delta steps that follow it. */
export type ParameterPath = {
  readonly manifest: KeyframeManifest;
  readonly steps: readonly string[];
};

/** A blob that must be there; a FormatError names one that is missing or damaged. */
export async function soundBlob(
  blobs: Pick<PublicBlobs, "read">,
  id: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await blobs.read(id);
  if (bytes === null) throw new FormatError(`blob ${id} is missing or damaged`);
  return bytes;
}

/** The parameters [N] at the end of a path, read chunk by chunk: beside them two chunks or a step are in memory. */
export async function readParameters(
  blobs: Pick<PublicBlobs, "read">,
  { manifest, steps }: ParameterPath,
): Promise<Float32Array> {
  const chunks = loadAhead(chunksOfManifest(manifest), 1, ({ sha256 }) => soundBlob(blobs, sha256));
  const parameters = await readKeyframe(manifest, chunks);
  for (const id of steps) {
    const step = decodeDeltaStep(await soundBlob(blobs, id), parameters);
    applyDeltaStepInPlace(parameters, step);
  }
  return parameters;
}
