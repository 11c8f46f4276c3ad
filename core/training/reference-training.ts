import type { Training } from "../protocol/schemas/recipe.ts";
import type { Examples } from "./examples.ts";
import { type TrainingTask, trainDelta } from "./train.ts";

export type ReferenceTask = Pick<TrainingTask, "architecture" | "parameters"> & {
  /** The mask [k] that all work has; null where everybody's is their own. */
  readonly positions: Uint32Array | null;
  /** Of a mask, k. */
  readonly count: number;
  /** As a volunteer's. */
  readonly training: Training;
  readonly pieces: readonly { readonly examples: Examples; readonly seed: number }[];
};

/**
 * What the relay's own `pieces` come to, trained as a volunteer would on one base (protocol G16): deltas [k] on the
 * mask, or [N] where everybody's mask is their own.
 */
export async function trainPieces({
  pieces,
  count,
  positions: mask,
  training: asVolunteers,
  ...model
}: ReferenceTask): Promise<Float32Array[]> {
  const size = model.parameters.length;
  const positions = mask ?? Uint32Array.from({ length: size }, (_, position) => position);
  const training = mask === null ? gentler(asVolunteers, count / size) : asVolunteers;
  const deltas: Float32Array[] = [];
  for (const piece of pieces) {
    deltas.push((await trainDelta({ ...model, positions, training, ...piece })).delta);
  }
  return deltas;
}

/** AdamW moves each entry about as far as any other, so that all of them together go as far as a `density` of them. */
function gentler(training: Training, density: number): Training {
  return { ...training, learningRate: training.learningRate * Math.sqrt(density) };
}
