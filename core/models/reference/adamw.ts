// k masked positions

export type AdamWState = {
  /** Steps taken so far. */
  readonly steps: number;
  /** Trained − base [k]: the optimised variable. */
  readonly delta: Float64Array;
  /** Running mean of the gradient [k]. */
  readonly mean: Float64Array;
  /** Running mean of the squared gradient [k]. */
  readonly square: Float64Array;
};

export type AdamWRule = {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
};

export function startAdamW(k: number): AdamWState {
  const zeros = () => new Float64Array(k); // [k]
  return { steps: 0, delta: zeros(), mean: zeros(), square: zeros() };
}

/**
 * One step on the masked values alone: `base` [k] and `gradient` [k] belong to the masked positions,
 * the weights in use are base + delta. The decay pulls the weights, not the delta, towards 0.
 * Source: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2 with a constant schedule.
 */
export function stepAdamW(
  state: AdamWState,
  base: Float64Array,
  gradient: Float64Array,
  { learningRate, beta1, beta2, epsilon, weightDecay }: AdamWRule,
): AdamWState {
  const steps = state.steps + 1;
  const mean = state.mean.map((m, j) => beta1 * m + (1 - beta1) * gradient[j]!); // [k]
  const square = state.square.map((v, j) => beta2 * v + (1 - beta2) * gradient[j]! ** 2); // [k]
  const delta = state.delta.map((d, j) => {
    const unbiasedMean = mean[j]! / (1 - beta1 ** steps);
    const unbiasedSquare = square[j]! / (1 - beta2 ** steps);
    const pull = unbiasedMean / (Math.sqrt(unbiasedSquare) + epsilon);
    return d - learningRate * (pull + weightDecay * (base[j]! + d));
  }); // [k]
  return { steps, delta, mean, square };
}
