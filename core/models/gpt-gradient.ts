import { reshape, type Tensor } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import { type BlockActivations, gptForward } from "./gpt.ts";
import {
  causalAttentionGradient,
  geluInputGradient,
  layerNormInputGradient,
  layerNormWeightTerms,
  sampledScatterAddInto,
} from "./gpt-operations.ts";
import type { GptArchitecture } from "./gpt-shapes.ts";
import { type Batch, type MaskedGradient, type Weights, weightOf } from "./model.ts";
import {
  crossEntropy,
  linearInputGradient,
  sampledColumnSumsInto,
  sampledGradientInto,
} from "./operations.ts";

// B batch, T time = context, R = B·T rows, C channels, V vocabulary

/** Forward and backward: fills `gradient` with that of the mean loss, returns the losses [R] in nats. */
export function gptGradientInto(
  architecture: GptArchitecture,
  gradient: MaskedGradient,
  weights: Weights,
  { inputs, targets }: Batch,
): Tensor {
  const T = inputs.shape.at(-1) ?? 0;
  assert(T === architecture.context, "training takes windows as long as the context");
  const tokens = reshape(inputs, [targets.size]);
  const { blocks, last, normal, logits } = gptForward(architecture, weights, tokens, T);
  const { losses, dlogits } = crossEntropy(logits, targets); // dlogits [R, V]

  const wte = weightOf(weights, "wte.weight");
  const dnormal = linearInputGradient(dlogits, wte, null, { orientation: "out-in" }); // [R, C]
  layerNormSampled(gradient, "ln_f", dnormal, last);
  let dstream = layerNormInputGradient(dnormal, last, weightOf(weights, "ln_f.weight"), null);

  const lowest = lowestMaskedLayer(gradient, architecture.layers);
  for (let layer = architecture.layers - 1; layer >= lowest; layer--) {
    dstream = blockGradient(architecture, gradient, weights, layer, blocks[layer]!, dstream, T);
  }
  embeddingSampled(gradient, { normal, dlogits, dstream, tokens, T });
  return losses;
}

/** doutput [R, C] → dinput [R, C]. */
function blockGradient(
  { heads }: GptArchitecture,
  gradient: MaskedGradient,
  weights: Weights,
  layer: number,
  at: BlockActivations,
  doutput: Tensor,
  time: number,
): Tensor {
  const name = (part: string) => `h.${layer}.${part}`;
  const weight = (part: string) => weightOf(weights, name(`${part}.weight`));
  /** The masked entries of a linear operation, then the gradient of its input. */
  const conv = (part: string, x: Tensor, dy: Tensor) => {
    linearSampled(gradient, name(part), x, dy);
    return linearInputGradient(dy, weight(part), null, { orientation: "in-out" });
  };
  const norm = (part: string, x: Tensor, dy: Tensor, residual: Tensor) => {
    layerNormSampled(gradient, name(part), dy, x);
    return layerNormInputGradient(dy, x, weight(part), residual);
  };
  const dactive = conv("mlp.c_proj", at.active, doutput); // [R, 4C]
  const dwide = geluInputGradient(dactive, at.wide); // [R, 4C]
  const dnormal2 = conv("mlp.c_fc", at.normal2, dwide); // [R, C]
  const dmiddle = norm("ln_2", at.middle, dnormal2, doutput); // [R, C]
  const dmixed = conv("attn.c_proj", at.mixed, dmiddle); // [R, C]
  const dqkv = causalAttentionGradient(dmixed, at.qkv, at.mixed, at.logSums, { time, heads });
  const dnormal1 = conv("attn.c_attn", at.normal1, dqkv); // [R, C]
  return norm("ln_1", at.input, dnormal1, dmiddle);
}

function linearSampled(gradient: MaskedGradient, name: string, x: Tensor, dy: Tensor): void {
  const { values, positions, parts } = gradient;
  const inWeight = parts.get(`${name}.weight`);
  if (inWeight !== undefined) {
    sampledGradientInto(values, x, dy, positions, { ...inWeight, orientation: "in-out" });
  }
  const inBias = parts.get(`${name}.bias`);
  if (inBias !== undefined) sampledColumnSumsInto(values, dy, positions, inBias);
}

function layerNormSampled(gradient: MaskedGradient, name: string, dy: Tensor, x: Tensor): void {
  const { values, positions, parts } = gradient;
  const inWeight = parts.get(`${name}.weight`);
  if (inWeight !== undefined) {
    sampledColumnSumsInto(values, layerNormWeightTerms(dy, x), positions, inWeight);
  }
  const inBias = parts.get(`${name}.bias`);
  if (inBias !== undefined) sampledColumnSumsInto(values, dy, positions, inBias);
}

function embeddingSampled(
  { values, positions, parts }: MaskedGradient,
  at: { normal: Tensor; dlogits: Tensor; dstream: Tensor; tokens: Tensor; T: number },
): void {
  const inWte = parts.get("wte.weight");
  if (inWte !== undefined) {
    // Tied: the output layer's part, then the embedding's on top of it.
    const part = { ...inWte, orientation: "out-in" } as const;
    sampledGradientInto(values, at.normal, at.dlogits, positions, part);
    sampledScatterAddInto(values, at.dstream, at.tokens, positions, inWte);
  }
  const inWpe = parts.get("wpe.weight");
  if (inWpe !== undefined) {
    // Row r belongs to time r mod T, so a batch's rows add up like those of a bias [T·C].
    const [R = 0, C = 0] = at.dstream.shape;
    const byTime = reshape(at.dstream, [R / at.T, at.T * C]);
    sampledColumnSumsInto(values, byTime, positions, inWpe);
  }
}

/** The backward pass stops here: no layer below, and no embedding, has an entry in the mask. */
function lowestMaskedLayer({ parts }: MaskedGradient, layers: number): number {
  if (parts.has("wte.weight") || parts.has("wpe.weight")) return 0;
  const masked = Array.from(parts.keys(), (name) =>
    name.startsWith("h.") ? Number(name.split(".")[1]) : layers,
  );
  return Math.min(layers, ...masked);
}
