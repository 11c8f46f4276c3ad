import { engine, type Tensor } from "@tensorflow/tfjs-core";
import type { EmbeddingGradient } from "./gradient-sink.ts";
import type { MaskPair } from "./operations.ts";

/** The operations of a transformer, beside those of operations.ts: bodies in `kernels/`, f32, int32 tokens. */

// B batch, T time, R = B·T rows, C channels, H heads, V vocabulary, k entries of the mask

/** x [R, C] = wte [V, C] at tokens [R] + wpe [context, C] at each row's time, r mod `time`. */
export function embed(
  tokens: Tensor,
  wte: Tensor,
  wpe: Tensor,
  { time }: { time: number },
): Tensor {
  return engine().runKernel<Tensor>("Embed", { tokens, wte, wpe }, { time });
}

/**
 * Only the masked entries of the embeddings' gradients, written into `gradient` [k]: of wpe, the pair's first, sums of
 * dx [R, C] over the rows at one time; of wte, the second, the dot products over normal [R, C] and
 * dlogits [R, V] that the tied output layer has, and the sums of dx over the rows of one token.
 */
export function sampledEmbeddingInto(
  gradient: Tensor,
  { tokens, time, dx, normal, dlogits }: EmbeddingGradient,
  positions: Tensor,
  pair: MaskPair,
): void {
  const inputs = { gradient, tokens, dx, normal, dlogits, positions };
  engine().runKernel("SampledEmbedding", inputs, { ...pair, time });
}

/** y [R, C]: each row of x [R, C] brought to mean 0 and variance 1 (ε = 1e-5), times weight [C] plus bias [C]. */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  return engine().runKernel<Tensor>("LayerNorm", { x, weight, bias });
}

/** The gradient of a layer norm's input, plus `residual` [R, C], what reached x past the norm. */
export function layerNormInputGradient(
  dy: Tensor,
  x: Tensor,
  weight: Tensor,
  residual: Tensor | null,
): Tensor {
  const inputs = residual === null ? { dy, x, weight } : { dy, x, weight, residual };
  return engine().runKernel<Tensor>("LayerNormInputGradient", inputs);
}

/**
 * Only the masked entries of the gradients of a layer norm's bias and weight, written into `gradient` [k]: column sums of
 * dy [R, C], and of dy times the normalised x [R, C].
 */
export function sampledNormInto(
  gradient: Tensor,
  x: Tensor,
  dy: Tensor,
  positions: Tensor,
  pair: MaskPair,
): void {
  engine().runKernel("SampledNorm", { gradient, x, dy, positions }, pair);
}

/**
 * Causal attention over qkv [R, 3C], columns as GPT-2's c_attn makes them: `mixed` [R, C], and for the
 * backward pass each row's and head's log of Σ exp(score) [R, H].
 */
export function causalAttention(
  qkv: Tensor,
  { time, heads }: { time: number; heads: number },
): { mixed: Tensor; logSums: Tensor } {
  const [mixed, logSums] = engine().runKernel<Tensor[]>(
    "CausalAttention",
    { qkv },
    { time, heads },
  );
  return { mixed: mixed!, logSums: logSums! };
}

/**
 * The gradient dqkv [R, 3C]; the softmax is made again from qkv and logSums, never kept [H, T, T].
 * Source: Dao et al. 2022, arXiv:2205.14135, §3.1 and appendix B.
 */
export function causalAttentionGradient(
  dy: Tensor,
  qkv: Tensor,
  mixed: Tensor,
  logSums: Tensor,
  { time, heads }: { time: number; heads: number },
): Tensor {
  const inputs = { dy, qkv, mixed, logSums };
  return engine().runKernel<Tensor>("CausalAttentionGradient", inputs, { time, heads });
}

/** GPT-2's tanh GELU of every element; `linear` has added the bias. */
export function gelu(x: Tensor): Tensor {
  return engine().runKernel<Tensor>("Gelu", { x });
}

/** dx = dy · gelu′(x), element by element. */
export function geluInputGradient(dy: Tensor, x: Tensor): Tensor {
  return engine().runKernel<Tensor>("GeluInputGradient", { dy, x });
}
