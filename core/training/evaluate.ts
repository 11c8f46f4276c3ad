import { dispose } from "@tensorflow/tfjs-core";
import { disposeBatch } from "../models/model.ts";
import { modelOf } from "../models/registry.ts";
import type { Architecture } from "../protocol/schemas/recipe.ts";
import { answersOf, type Examples } from "./examples.ts";
import { type Evaluation, meanOf } from "./metrics.ts";
import { uploadWeights } from "./weights.ts";

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
  {
    signal,
    onBatch,
  }: {
    readonly signal?: AbortSignal;
    /** Awaited after each batch: whatever else this thread has to do is done then. */
    readonly onBatch?: () => Promise<void>;
  } = {},
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
          const counts = countsOf(examples, first + row);
          const right = read.subarray((length + row) * each, (length + row + 1) * each);
          losses[first + row] = countedMean(read.subarray(row * each, (row + 1) * each), counts);
          correct[first + row] = countedMean(right, counts);
          const answered = answers.subarray((first + row) * each, (first + row + 1) * each);
          answered.set(right);
          counts?.forEach((flag, answer) => {
            if (flag === 0) answered[answer] = 0; // so that no version is ever told to have lost it
          });
        }
      } finally {
        disposeBatch(batch);
        scores.dispose();
      }
      await onBatch?.();
    }
    return { losses, correct, answers };
  } finally {
    dispose([...weights.values()]);
  }
}

/** Which of an example's answers count [answers]; null where all do. */
function countsOf(examples: Examples, example: number): Uint8Array | null {
  if (examples.kind === "images" || examples.counted === undefined) return null;
  const each = examples.length - 1;
  return examples.counted.subarray(example * each, (example + 1) * each);
}

/** The mean of the `values` whose flag is 1, summed in their order. */
function countedMean(values: ArrayLike<number>, flags: Uint8Array | null): number {
  if (flags === null) return meanOf(values);
  return meanOf(Array.from(values).filter((_, answer) => flags[answer] === 1));
}

/** The share of answers that are right. */
export function accuracy(correct: Float32Array): number {
  return meanOf(correct);
}
