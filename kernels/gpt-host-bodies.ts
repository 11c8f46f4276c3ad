import type { MaskPair } from "../core/models/operations.ts";
import { columnSums } from "./column-sums.ts";

// R rows, T time, C channels, H heads, D = C / H channels per head

export type AttentionSizes = {
  readonly R: number;
  readonly T: number;
  readonly C: number;
  readonly H: number;
};

/** What `sampledEmbeddingInto` takes, without the time. */
export type EmbeddingArrays = {
  readonly tokens: Int32Array;
  readonly dx: Float32Array;
  readonly normal: Float32Array;
  readonly dlogits: Float32Array;
};

/** The operations of core/models/gpt-operations.ts on arrays in the host's memory: outputs first, then inputs. */
export type GptHostBodies = {
  embed(
    x: Float32Array,
    tokens: Int32Array,
    wte: Float32Array,
    wpe: Float32Array,
    sizes: { readonly C: number; readonly T: number },
  ): void;
  sampledEmbedding(
    gradient: Float32Array,
    at: EmbeddingArrays,
    positions: Int32Array,
    sizes: MaskPair & { readonly C: number; readonly T: number },
  ): void;
  layerNorm(y: Float32Array, x: Float32Array, weight: Float32Array, bias: Float32Array): void;
  layerNormInputGradient(
    dx: Float32Array,
    dy: Float32Array,
    x: Float32Array,
    weight: Float32Array,
    residual: Float32Array | null,
  ): void;
  sampledNorm(
    gradient: Float32Array,
    x: Float32Array,
    dy: Float32Array,
    positions: Int32Array,
    sizes: MaskPair & { readonly R: number; readonly C: number },
  ): void;
  causalAttention(
    mixed: Float32Array,
    logSums: Float32Array,
    qkv: Float32Array,
    sizes: AttentionSizes,
  ): void;
  causalAttentionGradient(
    dqkv: Float32Array,
    dy: Float32Array,
    qkv: Float32Array,
    mixed: Float32Array,
    logSums: Float32Array,
    sizes: AttentionSizes,
  ): void;
  gelu(y: Float32Array, x: Float32Array): void;
  geluInputGradient(dx: Float32Array, dy: Float32Array, x: Float32Array): void;
};

const LAYER_NORM_EPSILON = 1e-5; // GPT-2's `layer_norm_epsilon`
const GELU_SLOPE = Math.sqrt(2 / Math.PI);
const GELU_CUBIC = 0.044715; // Hendrycks & Gimpel 2016, arXiv:1606.08415, §2

export const plainGptBodies: GptHostBodies = {
  embed(x, tokens, wte, wpe, { C, T }) {
    tokens.forEach((token, r) => {
      for (let c = 0; c < C; c++) x[r * C + c] = wte[token * C + c]! + wpe[(r % T) * C + c]!;
    });
  },

  sampledEmbedding(gradient, at, positions, { C, T, start, first, second }) {
    const { tokens, dx, normal, dlogits } = at;
    const R = tokens.length;
    const byTime = { start, count: first, R: R / T, O: T * C }; // as if wpe were a bias of T·C
    columnSums(gradient, dx, positions, byTime);
    const V = dlogits.length / R;
    const looked = tokenSums(at, positions.subarray(start + first, start + first + second), C);
    for (let entry = start + first, i = 0; i < second; entry++, i++) {
      const [token, c] = [Math.floor(positions[entry]! / C), positions[entry]! % C];
      let sum = 0;
      for (let r = 0; r < R; r++) sum += normal[r * C + c]! * dlogits[r * V + token]!;
      gradient[entry] = sum + looked[i]!;
    }
  },

  layerNorm(y, x, weight, bias) {
    const C = weight.length;
    for (let row = 0; row < x.length; row += C) {
      const { mean, inverse } = statistics(x, row, C);
      for (let c = 0; c < C; c++)
        y[row + c] = (x[row + c]! - mean) * inverse * weight[c]! + bias[c]!;
    }
  },

  layerNormInputGradient(dx, dy, x, weight, residual) {
    const C = weight.length;
    for (let row = 0; row < x.length; row += C) {
      const { mean, inverse } = statistics(x, row, C);
      let sumG = 0;
      let sumGN = 0;
      for (let c = 0; c < C; c++) {
        const g = dy[row + c]! * weight[c]!;
        sumG += g;
        sumGN += g * (x[row + c]! - mean) * inverse;
      }
      for (let c = 0; c < C; c++) {
        const normal = (x[row + c]! - mean) * inverse;
        const d = inverse * (dy[row + c]! * weight[c]! - sumG / C - (normal * sumGN) / C);
        dx[row + c] = residual === null ? d : d + residual[row + c]!;
      }
    }
  },

  sampledNorm(gradient, x, dy, positions, { start, first, second, R, C }) {
    columnSums(gradient, dy, positions, { start, count: first, R, O: C });
    if (second === 0) return;
    const rows = Array.from({ length: R }, (_, r) => statistics(x, r * C, C));
    for (let entry = start + first; entry < start + first + second; entry++) {
      let at = positions[entry]!;
      let sum = 0;
      for (const { mean, inverse } of rows) {
        sum += dy[at]! * (x[at]! - mean) * inverse;
        at += C;
      }
      gradient[entry] = sum;
    }
  },

  causalAttention(mixed, logSums, qkv, { R, T, C, H }) {
    const D = C / H;
    const scores = new Float32Array(T);
    for (let r = 0; r < R; r++) {
      for (let h = 0; h < H; h++) {
        const first = r - (r % T); // the sequence's first row
        const most = scoresInto(scores, qkv, { first, r, h, C, D });
        let sum = 0;
        for (let s = first; s <= r; s++) sum += Math.exp(scores[s - first]! - most);
        const logSum = most + Math.log(sum);
        logSums[r * H + h] = logSum;
        const out = r * C + h * D;
        for (let d = 0; d < D; d++) mixed[out + d] = 0;
        for (let s = first; s <= r; s++) {
          const weight = Math.exp(scores[s - first]! - logSum);
          const value = s * 3 * C + 2 * C + h * D;
          for (let d = 0; d < D; d++) mixed[out + d]! += weight * qkv[value + d]!;
        }
      }
    }
  },

  causalAttentionGradient(dqkv, dy, qkv, mixed, logSums, { R, T, C, H }) {
    const D = C / H;
    const scores = new Float32Array(T);
    dqkv.fill(0);
    for (let r = 0; r < R; r++) {
      for (let h = 0; h < H; h++) {
        const first = r - (r % T);
        scoresInto(scores, qkv, { first, r, h, C, D });
        const out = r * C + h * D;
        const query = r * 3 * C + h * D;
        let mean = 0; // Σ weight · dweight over the keys, which is dy · mixed
        for (let d = 0; d < D; d++) mean += dy[out + d]! * mixed[out + d]!;
        for (let s = first; s <= r; s++) {
          const key = s * 3 * C + C + h * D;
          const value = key + C;
          const weight = Math.exp(scores[s - first]! - logSums[r * H + h]!);
          let dweight = 0;
          for (let d = 0; d < D; d++) {
            dweight += dy[out + d]! * qkv[value + d]!;
            dqkv[value + d]! += weight * dy[out + d]!;
          }
          const dscore = (weight * (dweight - mean)) / Math.sqrt(D);
          for (let d = 0; d < D; d++) {
            dqkv[query + d]! += dscore * qkv[key + d]!;
            dqkv[key + d]! += dscore * qkv[query + d]!;
          }
        }
      }
    }
  },

  gelu(y, x) {
    for (let p = 0; p < x.length; p++) y[p] = x[p]! * gate(x[p]!);
  },

  geluInputGradient(dx, dy, x) {
    for (let p = 0; p < x.length; p++) {
      const u = x[p]!;
      const open = gate(u);
      const slope = 2 * GELU_SLOPE * (1 + 3 * GELU_CUBIC * u * u);
      dx[p] = dy[p]! * (open + u * open * (1 - open) * slope);
    }
  },
};

/** (1 + tanh v) / 2 = 1 / (1 + exp(−2v)) for GELU's v: an exponential costs half of a tanh. */
function gate(u: number): number {
  return 1 / (1 + Math.exp(-2 * GELU_SLOPE * (u + GELU_CUBIC * u * u * u)));
}

/** Mean and 1 / √(variance + ε) of x[row … row + C − 1]. */
function statistics(x: Float32Array, row: number, C: number): { mean: number; inverse: number } {
  let mean = 0;
  for (let c = 0; c < C; c++) mean += x[row + c]!;
  mean /= C;
  let variance = 0;
  for (let c = 0; c < C; c++) variance += (x[row + c]! - mean) ** 2;
  return { mean, inverse: 1 / Math.sqrt(variance / C + LAYER_NORM_EPSILON) };
}

/** q·k / √D of row r's query with each row's key from `first` to r; returns the largest. */
function scoresInto(
  scores: Float32Array,
  qkv: Float32Array,
  { first, r, h, C, D }: { first: number; r: number; h: number; C: number; D: number },
): number {
  const query = r * 3 * C + h * D;
  const scale = 1 / Math.sqrt(D);
  let most = Number.NEGATIVE_INFINITY;
  for (let s = first; s <= r; s++) {
    const key = s * 3 * C + C + h * D;
    let dot = 0;
    for (let d = 0; d < D; d++) dot += qkv[query + d]! * qkv[key + d]!;
    scores[s - first] = dot * scale;
    if (dot * scale > most) most = dot * scale;
  }
  return most;
}

/** For positions token · C + c, the sums of dx at c over the rows that hold the token: the gradient of looking it up. */
export function tokenSums(
  { tokens, dx }: Pick<EmbeddingArrays, "tokens" | "dx">,
  positions: Int32Array,
  C: number,
): Float64Array {
  const rows = rowsByToken(tokens);
  return Float64Array.from(positions, (position) => {
    const c = position % C;
    let sum = 0;
    for (const r of rows.get((position - c) / C) ?? []) sum += dx[r * C + c]!;
    return sum;
  });
}

/** The rows that hold each token, in order. */
function rowsByToken(tokens: Int32Array): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  tokens.forEach((token, r) => {
    const known = rows.get(token);
    if (known === undefined) rows.set(token, [r]);
    else known.push(r);
  });
  return rows;
}
