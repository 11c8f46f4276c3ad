import { dispose } from "@tensorflow/tfjs-core";
import { modelOf } from "../models/registry.ts";
import type { Architecture } from "../protocol/schemas/recipe.ts";
import type { Examples } from "./examples.ts";
import { uploadWeights } from "./weights.ts";

export type Evaluation = {
  /** Per example, in nats [n]. */
  readonly losses: Float32Array;
  /** The share of each example's answers that are right [n]: 0 or 1 for an image, one answer a byte in text. */
  readonly correct: Float32Array;
};

/** Loss and correctness of every example, on the backend that is open. */
export async function evaluate(
  {
    architecture,
    parameters,
    examples,
  }: {
    readonly architecture: Architecture;
    /** Flat parameters [N]. */
    readonly parameters: Float32Array;
    readonly examples: Examples;
  },
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Evaluation> {
  const model = modelOf(architecture);
  const weights = uploadWeights(model, parameters);
  const losses = new Float32Array(examples.count);
  const correct = new Float32Array(examples.count);
  const most = model.scoreBatch(examples);
  try {
    for (let first = 0; first < examples.count; first += most) {
      signal?.throwIfAborted();
      const length = Math.min(most, examples.count - first);
      const indices = Uint32Array.from({ length }, (_, row) => first + row);
      const batch = model.batch(examples, indices);
      const scores = model.score(weights, batch);
      try {
        const read = await scores.data(); // [2, length]
        losses.set(read.subarray(0, length), first);
        correct.set(read.subarray(length), first);
      } finally {
        dispose([batch.inputs, batch.targets, scores]);
      }
    }
    return { losses, correct };
  } finally {
    dispose([...weights.values()]);
  }
}

/** The share of answers that are right. */
export function accuracy(correct: Float32Array): number {
  let right = 0;
  for (const one of correct) right += one;
  return right / correct.length;
}
