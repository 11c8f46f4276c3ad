import type { GptArchitecture } from "../gpt-shapes.ts";
import { causalAttention } from "./attention.ts";
import { crossEntropy } from "./cross-entropy.ts";
import { lookup } from "./embedding.ts";
import { geluWithBias } from "./gelu.ts";
import { layerNorm } from "./layer-norm.ts";
import { linear, transpose } from "./linear.ts";
import { sum, type Tensors, tensorOf } from "./tensors.ts";

// B batch, T time, R = B·T rows, C channels, V vocabulary

export type GptBatch = {
  readonly batch: number;
  /** [B, T], at most `context` in a row. */
  readonly tokens: ArrayLike<number>;
  /** [B, T], the token that follows each of `tokens`. */
  readonly targets: ArrayLike<number>;
};

/** What one block computes, kept for the backward pass. */
export type BlockActivations = {
  readonly input: Float64Array; // [R, C]
  readonly normal1: Float64Array; // [R, C]
  readonly qkv: Float64Array; // [R, 3C]
  readonly mixed: Float64Array; // [R, C]
  readonly middle: Float64Array; // [R, C], the residual stream after attention
  readonly normal2: Float64Array; // [R, C]
  readonly wide: Float64Array; // [R, 4C], before bias and GELU
  readonly active: Float64Array; // [R, 4C]
};

export type GptActivations = {
  readonly blocks: readonly BlockActivations[];
  readonly last: Float64Array; // [R, C], the residual stream before ln_f
  readonly normal: Float64Array; // [R, C]
  readonly logits: Float64Array; // [R, V]
};

/**
 * GPT-2's forward pass: pre-layer-norm blocks on a residual stream, the output layer tied to wte.
 * Source: Radford et al. 2019 and Hugging Face's modeling_gpt2.py, without dropout.
 */
export function gptForward(
  architecture: GptArchitecture,
  tensors: Tensors,
  { batch, tokens }: Pick<GptBatch, "batch" | "tokens">,
): GptActivations {
  const { channels: C, vocabulary: V } = architecture;
  const T = tokens.length / batch;
  const times = Int32Array.from(tokens, (_, r) => r % T); // [R]
  let stream = sum(
    lookup(tensorOf(tensors, "wte.weight"), tokens, C),
    lookup(tensorOf(tensors, "wpe.weight"), times, C),
  ); // [R, C]
  const blocks: BlockActivations[] = [];
  for (let layer = 0; layer < architecture.layers; layer++) {
    const { activations, output } = blockForward(architecture, tensors, layer, batch, stream);
    blocks.push(activations);
    stream = output;
  }
  const normal = layerNorm(
    stream,
    tensorOf(tensors, "ln_f.weight"),
    tensorOf(tensors, "ln_f.bias"),
  ); // [R, C]
  const unembedding = transpose(tensorOf(tensors, "wte.weight"), V, C); // [C, V]
  const logits = linear(normal, unembedding, null, { inputs: C, outputs: V }); // [R, V]
  return { blocks, last: stream, normal, logits };
}

/** The loss of every token in nats [B, T]. */
export function gptLosses(
  architecture: GptArchitecture,
  tensors: Tensors,
  batch: GptBatch,
): Float64Array {
  return crossEntropy(gptForward(architecture, tensors, batch).logits, batch.targets);
}

function blockForward(
  { channels: C, heads }: GptArchitecture,
  tensors: Tensors,
  layer: number,
  batch: number,
  input: Float64Array, // [R, C]
): { activations: BlockActivations; output: Float64Array } {
  const tensor = (name: string) => tensorOf(tensors, `h.${layer}.${name}`);
  const time = input.length / C / batch;
  const normal1 = layerNorm(input, tensor("ln_1.weight"), tensor("ln_1.bias")); // [R, C]
  const qkv = linear(normal1, tensor("attn.c_attn.weight"), tensor("attn.c_attn.bias"), {
    inputs: C,
    outputs: 3 * C,
  }); // [R, 3C]
  const mixed = causalAttention(qkv, { batch, time, channels: C, heads }); // [R, C]
  const middle = sum(
    input,
    linear(mixed, tensor("attn.c_proj.weight"), tensor("attn.c_proj.bias"), {
      inputs: C,
      outputs: C,
    }),
  ); // [R, C]
  const normal2 = layerNorm(middle, tensor("ln_2.weight"), tensor("ln_2.bias")); // [R, C]
  const wide = linear(normal2, tensor("mlp.c_fc.weight"), null, { inputs: C, outputs: 4 * C });
  const active = geluWithBias(wide, tensor("mlp.c_fc.bias")); // [R, 4C]
  const output = sum(
    middle,
    linear(active, tensor("mlp.c_proj.weight"), tensor("mlp.c_proj.bias"), {
      inputs: 4 * C,
      outputs: C,
    }),
  ); // [R, C]
  return {
    activations: { input, normal1, qkv, mixed, middle, normal2, wide, active },
    output,
  };
}
