import type { Metrics } from "../protocol/schemas/version.ts";

export type Evaluation = {
  /** The mean loss of each example's answers, in nats [n]. */
  readonly losses: Float32Array;
  /** The share of each example's answers that are right [n]. */
  readonly correct: Float32Array;
  /** 1 for each answer that is right and counts, else 0 [n · answers]: one an image, one a token in text. */
  readonly answers: Uint8Array;
};

/** How good a model is, from what it did on each example: mean loss in nats, and the share it got right. */
export function metricsOf({ losses, correct }: Omit<Evaluation, "answers">): Metrics {
  return { examples: losses.length, lossNats: meanOf(losses), accuracy: meanOf(correct) };
}

/** The mean of `values` [n], summed in their order. */
export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** The examples of these rows of an evaluation, in their order. */
export function pickEvaluation(
  { losses, correct, answers }: Evaluation,
  rows: Uint32Array,
): Evaluation {
  const each = answers.length / losses.length;
  const picked = new Uint8Array(rows.length * each);
  rows.forEach((row, i) => {
    picked.set(answers.subarray(row * each, (row + 1) * each), i * each);
  });
  return {
    losses: Float32Array.from(rows, (row) => losses[row]!),
    correct: Float32Array.from(rows, (row) => correct[row]!),
    answers: picked,
  };
}
