import { reshape, type Tensor, tensor, tidy } from "@tensorflow/tfjs-core";
import { assert, FormatError } from "../errors.ts";
import type { Examples } from "../training/examples.ts";
import { splitWindows, type TextExamples } from "../training/text-examples.ts";
import { gptGradientInto } from "./gpt-gradient.ts";
import { causalAttention, embed, gelu, layerNorm } from "./gpt-operations.ts";
import { type GptArchitecture, gptShapes } from "./gpt-shapes.ts";
import { type Batch, type Model, type Weights, weightOf } from "./model.ts";
import { linear, linearWithResidual, scoreLogits } from "./operations.ts";

// E examples, W windows of each, T time = context, R = E·W·T rows, C channels, V vocabulary

const TOKENS_A_BATCH = 4096; // 128 channels: 25 MB for the widest block

/**
 * GPT-2: pre-layer-norm blocks on a residual stream, learned positions, tanh GELU, the output layer tied
 * to the token embedding. Tensors as Hugging Face names and orients them. Source: Radford et al. 2019.
 */
export function createGpt(architecture: GptArchitecture): Model {
  const { channels, context, heads, layers, vocabulary } = architecture;
  if (channels % heads !== 0) {
    throw new FormatError(`recipe: ${heads} heads do not divide ${channels} channels`);
  }
  return {
    shapes: gptShapes(architecture),
    outputs: ["wte.weight"],
    widest: (batch) => ({
      name: `a batch of ${batch} × ${context} tokens`,
      shape: [batch * context, Math.max(4 * channels, vocabulary)],
    }),
    windows: (examples) => splitWindows(textOf(examples), context),
    batch: (examples, indices) => textBatch(examples, indices, context),
    gradientInto: (sink, weights, batch) =>
      tidy(() => gptGradientInto(architecture, sink, weights, batch)),
    gradientBatch: (examples) => examplesOf(TOKENS_A_BATCH / layers, examples),
    scoreBatch: (examples) => examplesOf(TOKENS_A_BATCH, examples),
    score: (weights, batch) => tidy(() => score(architecture, weights, batch)),
  };
}

/** What one block computes, kept for the backward pass. */
export type BlockActivations = {
  readonly input: Tensor; // [R, C]
  readonly normal1: Tensor; // [R, C]
  readonly qkv: Tensor; // [R, 3C]
  readonly logSums: Tensor; // [R, heads]
  readonly mixed: Tensor; // [R, C]
  readonly middle: Tensor; // [R, C], the residual stream after attention
  readonly normal2: Tensor; // [R, C]
  readonly wide: Tensor; // [R, 4C], before GELU
  readonly active: Tensor; // [R, 4C]
};

export type GptActivations = {
  readonly blocks: readonly BlockActivations[];
  readonly last: Tensor; // [R, C], the residual stream before ln_f
  readonly normal: Tensor; // [R, C]
  readonly logits: Tensor; // [R, V]
};

/** The forward pass over sequences of `time` tokens [R] int32, at most the context; keeps what the backward pass needs. */
export function gptForward(
  architecture: GptArchitecture,
  weights: Weights,
  tokens: Tensor,
  time: number,
): GptActivations {
  let stream = embedTokens(weights, tokens, time); // [R, C]
  const blocks: BlockActivations[] = [];
  for (let layer = 0; layer < architecture.layers; layer++) {
    const { activations, output } = blockForward(architecture, weights, layer, stream, time);
    blocks.push(activations);
    stream = output;
  }
  return { blocks, last: stream, ...unembed(weights, stream) };
}

/** The forward pass alone: logits [R, V]; one block's activations at a time are in memory. */
export function gptLogits(
  architecture: GptArchitecture,
  weights: Weights,
  tokens: Tensor,
  time: number,
): Tensor {
  let stream = embedTokens(weights, tokens, time); // [R, C]
  for (let layer = 0; layer < architecture.layers; layer++) {
    const input = stream;
    stream = tidy(() => blockForward(architecture, weights, layer, input, time).output);
    input.dispose();
  }
  return unembed(weights, stream).logits;
}

function embedTokens(weights: Weights, tokens: Tensor, time: number): Tensor {
  const wte = weightOf(weights, "wte.weight");
  return embed(tokens, wte, weightOf(weights, "wpe.weight"), { time });
}

function unembed(weights: Weights, stream: Tensor): { normal: Tensor; logits: Tensor } {
  const lnF = (part: string) => weightOf(weights, `ln_f.${part}`);
  const normal = layerNorm(stream, lnF("weight"), lnF("bias")); // [R, C]
  const wte = weightOf(weights, "wte.weight"); // [V, C]
  return { normal, logits: linear(normal, wte, null, { orientation: "out-in", relu: false }) };
}

function blockForward(
  { heads }: GptArchitecture,
  weights: Weights,
  layer: number,
  input: Tensor,
  time: number,
): { activations: BlockActivations; output: Tensor } {
  const weight = (name: string) => weightOf(weights, `h.${layer}.${name}`);
  const parts = (name: string) => [weight(`${name}.weight`), weight(`${name}.bias`)] as const;
  const conv = (x: Tensor, name: string) =>
    linear(x, ...parts(name), { orientation: "in-out", relu: false });
  const project = (stream: Tensor, x: Tensor, name: string) =>
    linearWithResidual(stream, x, ...parts(name), { orientation: "in-out" });
  const normal1 = layerNorm(input, weight("ln_1.weight"), weight("ln_1.bias"));
  const qkv = conv(normal1, "attn.c_attn");
  const { mixed, logSums } = causalAttention(qkv, { time, heads });
  const middle = project(input, mixed, "attn.c_proj");
  const normal2 = layerNorm(middle, weight("ln_2.weight"), weight("ln_2.bias"));
  const wide = conv(normal2, "mlp.c_fc");
  const active = gelu(wide);
  const output = project(middle, active, "mlp.c_proj");
  const activations = { input, normal1, qkv, logSums, mixed, middle, normal2, wide, active };
  return { activations, output };
}

/** [2, R]: each token's loss in nats, and whether it was predicted right. */
function score(
  architecture: GptArchitecture,
  weights: Weights,
  { inputs, targets }: Batch,
): Tensor {
  const tokens = reshape(inputs, [targets.size]);
  const logits = gptLogits(architecture, weights, tokens, inputs.shape.at(-1) ?? 0); // [R, V]
  return scoreLogits(logits, targets);
}

/** Inputs int32 [E, W, T] and the targets that follow them, int32 [R]. */
function textBatch(examples: Examples, indices: Uint32Array, T: number): Batch {
  const { length, bytes } = textOf(examples);
  const E = indices.length;
  const W = (length - 1) / T;
  const inputs = new Int32Array(E * W * T);
  const targets = new Int32Array(E * W * T);
  indices.forEach((example, row) => {
    const stretch = bytes.subarray(example * length); // whole windows follow each other
    inputs.set(stretch.subarray(0, W * T), row * W * T);
    targets.set(stretch.subarray(1, W * T + 1), row * W * T);
  });
  return {
    inputs: tensor(inputs, [E, W, T], "int32"),
    targets: tensor(targets, [E * W * T], "int32"),
  };
}

/** How many of `examples` have `tokens` in all; at least one. */
function examplesOf(tokens: number, examples: Examples): number {
  return Math.max(1, Math.floor(tokens / (textOf(examples).length - 1)));
}

function textOf(examples: Examples): TextExamples {
  assert(examples.kind === "text", `a GPT on ${examples.kind}`);
  return examples;
}
