import { assert, FormatError } from "../../core/errors.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { type KeyframeManifest, keyframeManifest } from "../../core/protocol/schemas/checkpoint.ts";
import { chunksOfManifest } from "../../core/tensors/manifest.ts";
import type { PublicBlobs } from "../content/public-blobs.ts";
import { type ParameterPath, readParameters, soundBlob } from "../content/read-parameters.ts";
import type { KeyframeRow, StepRow } from "../store/sql/versions.ts";
import type { HistoryStore } from "../store/store.ts";
import type { VersionRow } from "../store/tables.ts";

type CheckpointPath = { readonly keyframe: KeyframeRow; readonly steps: StepRow[] };

/** Reads checkpoints back from the blobs they were published as. */
export type Checkpoints = {
  /** What to download for `version` from nothing: the way of the fewest bytes. */
  downloadPath(version: VersionRow): Promise<CheckpointPath & { manifest: KeyframeManifest }>;
  /** The last keyframe up to `version`, and the versions whose delta steps lead from it there. */
  pathTo(version: VersionRow): Promise<CheckpointPath>;
  /** How a keyframe's chunks are kept; of another version the layout alone is worth reading. */
  manifestOf(version: Pick<VersionRow, "checkpoint" | "narrow">): Promise<KeyframeManifest>;
  /** The blobs that `version` is built from. */
  blobPath(version: VersionRow): Promise<ParameterPath>;
  /** The parameters [N] of `version`; a FormatError names the blob that is missing or damaged. */
  parametersOf(version: VersionRow): Promise<Float32Array>;
};

export function createCheckpoints(
  history: Pick<HistoryStore, "keyframe" | "steps">,
  blobs: Pick<PublicBlobs, "read">,
): Checkpoints {
  const manifestOf = async ({ checkpoint, narrow }: Pick<VersionRow, "checkpoint" | "narrow">) =>
    parseJson("manifest", keyframeManifest, await soundBlob(blobs, narrow ?? checkpoint));

  async function pathTo(version: VersionRow) {
    const keyframe = await history.keyframe(version.model, version.number);
    if (keyframe === undefined) throw new FormatError(`${version.model}: no keyframe`);
    const steps = await history.steps(version.model, keyframe.number + 1, version.number);
    assert(steps !== null, "too many steps, and none were too many");
    return { keyframe, steps };
  }

  async function downloadPath(version: VersionRow) {
    const last = await pathTo(version);
    const manifest = await manifestOf(last.keyframe);
    const first = await history.keyframe(version.model, 0);
    if (last.keyframe.number === 0 || !first?.narrow) return { ...last, manifest };
    const narrow = await manifestOf(first);
    const lastBytes =
      sizeOf(manifest) + last.steps.reduce((sum, { step_bytes }) => sum + step_bytes, 0);
    const steps = await history.steps(
      version.model,
      1,
      version.number,
      lastBytes - sizeOf(narrow), // as many lead from the last keyframe
    );
    if (steps === null) return { ...last, manifest };
    return { keyframe: first, steps, manifest: narrow };
  }

  async function blobPath(version: VersionRow): Promise<ParameterPath> {
    const { keyframe, steps } = await pathTo(version);
    const ids = steps.map(({ step }) => {
      if (step === null) throw new FormatError(`${version.model}: a version without its step`);
      return step;
    });
    return { manifest: await manifestOf(keyframe), steps: ids };
  }
  const parametersOf = async (version: VersionRow) =>
    readParameters(blobs, await blobPath(version));
  return { downloadPath, pathTo, manifestOf, blobPath, parametersOf };
}

const sizeOf = (manifest: KeyframeManifest) =>
  chunksOfManifest(manifest).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
