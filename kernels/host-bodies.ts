import type { MaskPair, MaskPart, Orientation } from "../core/models/operations.ts";
import { columnSums } from "./column-sums.ts";
import { type ActivationBodies, plainActivationBodies } from "./parts/activation.ts";
import { type AttentionBodies, plainAttentionBodies } from "./parts/attention.ts";
import { type EmbeddingBodies, plainEmbeddingBodies } from "./parts/embedding.ts";
import { type NormBodies, plainNormBodies } from "./parts/norm.ts";

// R rows, I inputs, O outputs, C classes, k entries of the mask

/** Sizes of a linear operation: x [R, I], y [R, O], the weight [O, I] or [I, O]. */
export type LinearSizes = {
  readonly R: number;
  readonly I: number;
  readonly O: number;
  readonly orientation: Orientation;
};

export type AdamWOptions = {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly correction1: number;
  readonly correction2: number;
};

/**
 * The operations of core/models/operations.ts and of a transformer's parts on arrays in the host's memory: outputs first, then inputs.
 * `plainBodies` is the readable one and the reference of the device self-check; the wasm backend replaces
 * the heavy ones.
 */
export type HostBodies = EmbeddingBodies &
  NormBodies &
  AttentionBodies &
  ActivationBodies & {
    linear(
      y: Float32Array,
      x: Float32Array,
      weight: Float32Array,
      bias: Float32Array | null,
      residual: Float32Array | null,
      sizes: LinearSizes & { readonly relu: boolean },
    ): void;
    linearInputGradient(
      dx: Float32Array,
      dy: Float32Array,
      weight: Float32Array,
      x: Float32Array | null,
      past: Float32Array | null,
      sizes: LinearSizes,
    ): void;
    sampledLinear(
      gradient: Float32Array,
      x: Float32Array,
      dy: Float32Array,
      positions: Int32Array,
      sizes: LinearSizes & MaskPair & { readonly adds: boolean },
    ): void;
    squaredGradient(
      sums: Float32Array,
      x: Float32Array,
      dy: Float32Array,
      sizes: LinearSizes & { readonly rows: number; readonly scale: number },
    ): void;
    crossEntropy(
      losses: Float32Array,
      dlogits: Float32Array,
      logits: Float32Array,
      targets: Int32Array,
      weights: Float32Array,
    ): void;
    scoreLogits(
      losses: Float32Array,
      right: Float32Array,
      logits: Float32Array,
      targets: Int32Array,
    ): void;
    adamW(
      state: Float32Array,
      gradient: Float32Array,
      base: Float32Array,
      options: AdamWOptions,
    ): void;
    applyDelta(
      weight: Float32Array,
      state: Float32Array,
      base: Float32Array,
      positions: Int32Array,
      part: MaskPart & { readonly offset: number },
    ): void;
  };

export const plainBodies: HostBodies = {
  ...plainEmbeddingBodies,
  ...plainNormBodies,
  ...plainAttentionBodies,
  ...plainActivationBodies,

  linear(y, x, weight, bias, residual, { R, I, O, orientation, relu }) {
    const [stepO, stepI] = orientation === "out-in" ? [I, 1] : [1, O];
    for (let r = 0; r < R; r++) {
      for (let o = 0; o < O; o++) {
        let sum = bias === null ? 0 : bias[o]!;
        for (let i = 0; i < I; i++) sum += x[r * I + i]! * weight[o * stepO + i * stepI]!;
        if (residual !== null) sum += residual[r * O + o]!;
        y[r * O + o] = relu ? Math.max(0, sum) : sum;
      }
    }
  },

  linearInputGradient(dx, dy, weight, x, past, { R, I, O, orientation }) {
    const [stepO, stepI] = orientation === "out-in" ? [I, 1] : [1, O];
    for (let r = 0; r < R; r++) {
      for (let i = 0; i < I; i++) {
        let sum = 0;
        for (let o = 0; o < O; o++) sum += dy[r * O + o]! * weight[o * stepO + i * stepI]!;
        const passed = x === null || x[r * I + i]! > 0 ? sum : 0;
        dx[r * I + i] = past === null ? passed : passed + past[r * I + i]!;
      }
    }
  },

  sampledLinear(gradient, x, dy, positions, sizes) {
    const { start, first, second, R, I, O, orientation, adds } = sizes;
    columnSums(gradient, dy, positions, { start, count: first, R, O });
    const inner = orientation === "out-in" ? I : O;
    for (let entry = start + first; entry < start + first + second; entry++) {
      const outerIndex = Math.floor(positions[entry]! / inner);
      const innerIndex = positions[entry]! % inner;
      const [i, o] = orientation === "out-in" ? [innerIndex, outerIndex] : [outerIndex, innerIndex];
      let sum = adds ? gradient[entry]! : 0;
      for (let r = 0; r < R; r++) sum += x[r * I + i]! * dy[r * O + o]!;
      gradient[entry] = sum;
    }
  },

  squaredGradient(sums, x, dy, { R, I, O, orientation, rows, scale }) {
    const [stepO, stepI] = orientation === "out-in" ? [I, 1] : [1, O];
    for (let i = 0; i < I; i++) {
      for (let o = 0; o < O; o++) {
        let squares = 0;
        for (let first = 0; first < R; first += rows) {
          let sum = 0;
          for (let r = first; r < first + rows; r++) sum += x[r * I + i]! * dy[r * O + o]!;
          squares += sum * sum;
        }
        sums[o * stepO + i * stepI]! += scale * squares;
      }
    }
  },

  crossEntropy(losses, dlogits, logits, targets, weights) {
    const R = targets.length;
    const C = logits.length / R;
    for (let r = 0; r < R; r++) {
      const row = logits.subarray(r * C, (r + 1) * C);
      const most = largest(row); // taken off against overflow
      let sum = 0;
      for (let c = 0; c < C; c++) sum += Math.exp(row[c]! - most);
      for (let c = 0; c < C; c++) {
        const hit = c === targets[r] ? 1 : 0;
        dlogits[r * C + c] = (Math.exp(row[c]! - most) / sum - hit) * weights[r]!;
      }
      losses[r] = Math.log(sum) + most - row[targets[r]!]!;
    }
  },

  scoreLogits(losses, right, logits, targets) {
    const R = targets.length;
    const C = logits.length / R;
    for (let r = 0; r < R; r++) {
      const row = logits.subarray(r * C, (r + 1) * C);
      const most = largest(row);
      let sum = 0;
      for (let c = 0; c < C; c++) sum += Math.exp(row[c]! - most);
      losses[r] = Math.log(sum) + most - row[targets[r]!]!;
      right[r] = row.indexOf(most) === targets[r] ? 1 : 0; // the first of equals answers
    }
  },

  adamW(state, gradient, base, options) {
    const { learningRate, beta1, beta2, epsilon, weightDecay, correction1, correction2 } = options;
    const k = gradient.length;
    for (let j = 0; j < k; j++) {
      const g = gradient[j]!;
      const m = beta1 * state[k + j]! + (1 - beta1) * g;
      const v = beta2 * state[2 * k + j]! + (1 - beta2) * g * g;
      const step = m / correction1 / (Math.sqrt(v / correction2) + epsilon);
      state[j]! -= learningRate * (step + weightDecay * (base[j]! + state[j]!));
      state[k + j] = m;
      state[2 * k + j] = v;
    }
  },

  applyDelta(weight, state, base, positions, { start, count, offset }) {
    for (let entry = start; entry < start + count; entry++) {
      weight[positions[entry]! - offset] = base[entry]! + state[entry]!;
    }
  },
};

function largest(row: Float32Array): number {
  let most = row[0]!;
  for (let c = 1; c < row.length; c++) if (row[c]! > most) most = row[c]!;
  return most;
}
