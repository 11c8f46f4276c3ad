import { assert, FormatError } from "../../core/errors.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { type Manifest, manifest } from "../../core/protocol/schemas/checkpoint.ts";
import type { PublicBlobs } from "../content/public-blobs.ts";
import { type ParameterPath, readParameters, soundBlob } from "../content/read-parameters.ts";
import type { StepRow } from "../store/sql/versions.ts";
import type { HistoryStore } from "../store/store.ts";
import type { VersionRow } from "../store/tables.ts";

/** Reads checkpoints back from the blobs they were published as. */
export type Checkpoints = {
  /** The last keyframe up to `version`, and the versions whose delta steps lead from it there. */
  pathTo(version: VersionRow): Promise<{ keyframe: StepRow; steps: StepRow[] }>;
  manifestOf(version: Pick<VersionRow, "checkpoint">): Promise<Manifest>;
  /** The blobs that `version` is built from. */
  blobPath(version: VersionRow): Promise<ParameterPath>;
  /** The parameters [N] of `version`; a FormatError names the blob that is missing or damaged. */
  parametersOf(version: VersionRow): Promise<Float32Array>;
};

export function createCheckpoints(history: HistoryStore, blobs: PublicBlobs): Checkpoints {
  const manifestOf = async ({ checkpoint }: Pick<VersionRow, "checkpoint">) =>
    parseJson("manifest", manifest, await soundBlob(blobs, checkpoint));

  async function pathTo(version: VersionRow) {
    const keyframe = await history.keyframe(version.model, version.number);
    if (keyframe === undefined) throw new FormatError(`${version.model}: no keyframe`);
    const steps = await history.steps(version.model, keyframe.number + 1, version.number);
    assert(steps !== null, "too many steps, and none were too many");
    return { keyframe, steps };
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
  return { pathTo, manifestOf, blobPath, parametersOf };
}
