import { assert, FormatError } from "../../core/errors.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { type Manifest, manifest } from "../../core/protocol/schemas/checkpoint.ts";
import { applyDeltaStep, decodeDeltaStep } from "../../core/tensors/delta-step.ts";
import { decodeCheckpoint } from "../../core/tensors/manifest.ts";
import type { PublicBlobs } from "../content/public-blobs.ts";
import type { StepRow } from "../store/sql/versions.ts";
import type { HistoryStore } from "../store/store.ts";
import type { VersionRow } from "../store/tables.ts";

/** Reads checkpoints back from the blobs they were published as. */
export type Checkpoints = {
  /** The last keyframe up to `version`, and the versions whose delta steps lead from it there. */
  pathTo(version: VersionRow): Promise<{ keyframe: StepRow; steps: StepRow[] }>;
  manifestOf(version: Pick<VersionRow, "checkpoint">): Promise<Manifest>;
  /** The parameters [N] of `version`; a FormatError names the blob that is missing or damaged. */
  parametersOf(version: VersionRow): Promise<Float32Array>;
};

export function createCheckpoints(history: HistoryStore, blobs: PublicBlobs): Checkpoints {
  async function blob(id: string): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await blobs.read(id);
    if (bytes === null) throw new FormatError(`blob ${id} is missing or damaged`);
    return bytes;
  }
  const manifestOf = async ({ checkpoint }: Pick<VersionRow, "checkpoint">) =>
    parseJson("manifest", manifest, await blob(checkpoint));

  async function pathTo(version: VersionRow) {
    const keyframe = await history.keyframe(version.model, version.number);
    if (keyframe === undefined) throw new FormatError(`${version.model}: no keyframe`);
    const steps = await history.steps(version.model, keyframe.number + 1, version.number);
    assert(steps !== null, "too many steps, and none were too many");
    return { keyframe, steps };
  }

  async function parametersOf(version: VersionRow): Promise<Float32Array> {
    const { keyframe, steps } = await pathTo(version);
    const whole = await manifestOf(keyframe);
    const chunks: Uint8Array[] = [];
    for (const id of whole.chunks) chunks.push(await blob(id));
    let parameters: Float32Array = decodeCheckpoint(whole, chunks);
    for (const { step } of steps) {
      if (step === null) throw new FormatError(`${version.model}: a version without its step`);
      parameters = applyDeltaStep(parameters, decodeDeltaStep(await blob(step), parameters));
    }
    return parameters;
  }
  return { pathTo, manifestOf, parametersOf };
}
