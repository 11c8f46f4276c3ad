import { engine, type Tensor } from "@tensorflow/tfjs-core";
import type { MaskPair, MaskPart } from "./operations.ts";

/** The operations of a transformer's parts, beside those of operations.ts: bodies in `kernels/parts`, f32, int32 tokens. */

// B batch, T time, R = B·T rows, C channels, V vocabulary, k entries of the mask
// H heads of queries, K of keys and values, D channels of one; F channels of the feed-forward part

/**
 * x [R, C] = table [V, C] at tokens [R] − first, 0 for a token of no row (+ positions [≥ time, C] at each row's time,
 * r mod `time`). A larger table lies in blocks of rows, of which this one begins at row `first`.
 */
export function embed(
  tokens: Tensor,
  table: Tensor,
  positions: Tensor | null,
  { time, first }: { readonly time: number; readonly first: number },
): Tensor {
  const inputs = positions === null ? { tokens, table } : { tokens, table, positions };
  return engine().runKernel<Tensor>("Embed", inputs, { time, first });
}

/**
 * Only the masked entries of a table's gradient [V, C] from the looked-up rows: each the sum of dx [R, C] over the rows of one
 * token, written into `gradient` [k] or, where it `adds`, added to what is there.
 */
export function sampledLookupInto(
  gradient: Tensor,
  tokens: Tensor,
  dx: Tensor,
  positions: Tensor,
  part: MaskPart & { readonly adds: boolean },
): void {
  engine().runKernel("SampledLookup", { gradient, tokens, dx, positions }, part);
}

/** A layer norm brings each row to mean 0 and variance 1, an RMS norm to mean square 1; `epsilon` is added to either. */
export type NormKind = { readonly norm: "layer" | "rms"; readonly epsilon: number };

/** y [R, C]: each row of x [R, C] normalised, times weight [C], for a layer norm plus bias [C]. */
export function norm(x: Tensor, weight: Tensor, bias: Tensor | null, kind: NormKind): Tensor {
  const inputs = bias === null ? { x, weight } : { x, weight, bias };
  return engine().runKernel<Tensor>("Norm", inputs, kind);
}

/** The gradient of a norm's input, plus `residual` [R, C], what reached x past the norm. */
export function normInputGradient(
  dy: Tensor,
  x: Tensor,
  weight: Tensor,
  residual: Tensor | null,
  kind: NormKind,
): Tensor {
  const inputs = residual === null ? { dy, x, weight } : { dy, x, weight, residual };
  return engine().runKernel<Tensor>("NormInputGradient", inputs, kind);
}

/**
 * Only the masked entries of the gradients of a norm's bias and weight, written into `gradient` [k]: column sums of
 * dy [R, C], and of dy times the normalised x [R, C].
 */
export function sampledNormInto(
  gradient: Tensor,
  x: Tensor,
  dy: Tensor,
  positions: Tensor,
  options: MaskPair & NormKind,
): void {
  engine().runKernel("SampledNorm", { gradient, x, dy, positions }, options);
}

/** How rows attend to each other: `time` rows are a sequence, and a causal one sees no row behind itself. */
export type AttentionKind = {
  readonly time: number;
  readonly heads: number;
  /** Divides `heads`: so many queries share a key and a value. */
  readonly keyValueHeads: number;
  readonly causal: boolean;
};

/**
 * q [R, H·D], k and v [R, K·D] side by side → [R, (H + 2K)·D]. With `angles` [time, D], cosines and then sines of D / 2
 * pairs, each head's query and key is turned: (a, b) of columns d and d + D / 2 become (a·cos − b·sin, b·cos + a·sin).
 * Source: Su et al. 2021, arXiv:2104.09864, §3.4.2, in the halves of transformers' rotate_half.
 */
export function joinHeads(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  angles: Tensor | null,
  options: { readonly time: number; readonly headChannels: number },
): Tensor {
  const inputs = angles === null ? { q, k, v } : { q, k, v, angles };
  return engine().runKernel<Tensor>("JoinHeads", inputs, options);
}

/** The way back of `joinHeads`: dq, dk and dv from dqkv, queries and keys turned the other way. */
export function splitHeads(
  dqkv: Tensor,
  angles: Tensor | null,
  options: { readonly time: number; readonly heads: number; readonly keyValueHeads: number },
): { dq: Tensor; dk: Tensor; dv: Tensor } {
  const inputs = angles === null ? { dqkv } : { dqkv, angles };
  const [dq, dk, dv] = engine().runKernel<Tensor[]>("SplitHeads", inputs, options);
  return { dq: dq!, dk: dk!, dv: dv! };
}

/**
 * Attention over qkv [R, (H + 2K)·D], the queries' columns, then the keys', then the values': `mixed` [R, H·D], and for
 * the backward pass each row's and head's log of Σ exp(score) [R, H].
 */
export function attention(qkv: Tensor, kind: AttentionKind): { mixed: Tensor; logSums: Tensor } {
  const [mixed, logSums] = engine().runKernel<Tensor[]>("Attention", { qkv }, kind);
  return { mixed: mixed!, logSums: logSums! };
}

/**
 * The gradient dqkv [R, (H + 2K)·D]; the softmax is made again from qkv and logSums, never kept [H, T, T].
 * Source: Dao et al. 2022, arXiv:2205.14135, §3.1 and appendix B.
 */
export function attentionGradient(
  dy: Tensor,
  qkv: Tensor,
  mixed: Tensor,
  logSums: Tensor,
  kind: AttentionKind,
): Tensor {
  const inputs = { dy, qkv, mixed, logSums };
  return engine().runKernel<Tensor>("AttentionGradient", inputs, kind);
}

/** GELU with the normal distribution's own integral, or by tanh as GPT-2 has it. Source: Hendrycks & Gimpel 2016, arXiv:1606.08415. */
export type GeluKind = { readonly form: "exact" | "tanh" };

/** GELU of every element; `linear` has added the bias. */
export function gelu(x: Tensor, kind: GeluKind): Tensor {
  return engine().runKernel<Tensor>("Gelu", { x }, kind);
}

/** dx = dy · gelu′(x), element by element. */
export function geluInputGradient(dy: Tensor, x: Tensor, kind: GeluKind): Tensor {
  return engine().runKernel<Tensor>("GeluInputGradient", { dy, x }, kind);
}

/** y [R, F] = silu(gate) · up, with silu(u) = u / (1 + exp(−u)). Source: Shazeer 2020, arXiv:2002.05202. */
export function swiglu(gate: Tensor, up: Tensor): Tensor {
  return engine().runKernel<Tensor>("Swiglu", { gate, up });
}

export function swigluGradient(
  dy: Tensor,
  gate: Tensor,
  up: Tensor,
): { dgate: Tensor; dup: Tensor } {
  const [dgate, dup] = engine().runKernel<Tensor[]>("SwigluGradient", { dy, gate, up });
  return { dgate: dgate!, dup: dup! };
}
