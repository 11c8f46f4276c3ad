import { dispose } from "@tensorflow/tfjs-core";
import { modelOf } from "../models/registry.ts";
import type { Architecture } from "../protocol/schemas/recipe.ts";
import type { Examples } from "./examples.ts";
import { meanOf } from "./metrics.ts";
import { uploadWeights } from "./weights.ts";

export type Evaluation = {
  /** The mean loss of each example's answers, in nats [n]. */
  readonly losses: Float32Array;
  /** The share of each example's answers that are right [n]. */
  readonly correct: Float32Array;
  /** 1 for each answer that is right, else 0 [n · answers]: one an image, one a byte in text. */
  readonly answers: Uint8Array;
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
  const each = answersOf(examples);
  const answers = new Uint8Array(examples.count * each);
  const most = model.scoreBatch(examples);
  try {
    for (let first = 0; first < examples.count; first += most) {
      signal?.throwIfAborted();
      const length = Math.min(most, examples.count - first);
      const indices = Uint32Array.from({ length }, (_, row) => first + row);
      const batch = model.batch(examples, indices);
      const scores = model.score(weights, batch);
      try {
        const read = await scores.data(); // [2, length · each]
        for (let row = 0; row < length; row++) {
          losses[first + row] = meanOf(read.subarray(row * each, (row + 1) * each));
          const right = read.subarray((length + row) * each, (length + row + 1) * each);
          correct[first + row] = meanOf(right);
          answers.set(right, (first + row) * each);
        }
      } finally {
        dispose([batch.inputs, batch.targets, scores]);
      }
    }
    return { losses, correct, answers };
  } finally {
    dispose([...weights.values()]);
  }
}

/** How many answers an example asks for. */
function answersOf(examples: Examples): number {
  return examples.kind === "images" ? 1 : examples.length - 1;
}

/** The share of answers that are right. */
export function accuracy(correct: Float32Array): number {
  return meanOf(correct);
}
