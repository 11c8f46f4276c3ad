import type { Training } from "../protocol/schemas/recipe.ts";
import { everyPosition } from "../tensors/values-at.ts";
import type { Examples } from "./examples.ts";
import { type TrainingOptions, type TrainingTask, trainDelta } from "./train.ts";

export type ReferenceTask = Pick<TrainingTask, "architecture" | "parameters"> & {
  /** The mask [k] that all work has; null where everybody's is their own. */
  readonly positions: Uint32Array | null;
  /** Of a mask, k. */
  readonly count: number;
  /** As a volunteer's. */
  readonly training: Training;
  readonly pieces: readonly { readonly examples: Examples; readonly seed: number }[];
};

/** What the pieces of a reference come to, each list [k] on the mask, or [N] where everybody's mask is their own. */
export type ReferencePieces = {
  readonly deltas: readonly Float32Array[];
  /** The mean over the pieces of AdamW's second moment: nearly the Fisher information (arXiv:2507.18807), for nothing. */
  readonly information: Float32Array;
};

/** Train the relay's own `pieces` as a volunteer would on one base (protocol G16); `options` as `trainDelta` has them. */
export async function trainPieces(
  { pieces, count, positions: mask, training: asVolunteers, ...model }: ReferenceTask,
  options: Pick<TrainingOptions, "signal" | "onStep"> = {},
): Promise<ReferencePieces> {
  const size = model.parameters.length;
  const positions = mask ?? everyPosition(size);
  const training = mask === null ? gentler(asVolunteers, count / size) : asVolunteers;
  const deltas: Float32Array[] = [];
  const information = new Float32Array(positions.length);
  const onSecondMoment = (moment: Float32Array) => {
    for (let i = 0; i < moment.length; i++) information[i]! += moment[i]! / pieces.length;
  };
  for (const piece of pieces) {
    const task = { ...model, positions, training, ...piece };
    deltas.push((await trainDelta(task, { ...options, onSecondMoment })).delta);
  }
  return { deltas, information };
}

/** AdamW moves each entry about as far as any other, so that all of them together go as far as a `density` of them. */
function gentler(training: Training, density: number): Training {
  return { ...training, learningRate: training.learningRate * Math.sqrt(density) };
}
