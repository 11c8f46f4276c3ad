import { reshape, type Tensor } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import { type BlockActivations, gptForward } from "./gpt.ts";
import {
  causalAttentionGradient,
  geluInputGradient,
  layerNormInputGradient,
} from "./gpt-operations.ts";
import type { GptArchitecture } from "./gpt-shapes.ts";
import type { GradientSink } from "./gradient-sink.ts";
import { type Batch, type Weights, weightOf } from "./model.ts";
import { crossEntropy, linearInputGradient } from "./operations.ts";

// B batch, T time = context, R = B·T rows, C channels, V vocabulary

/** Forward and backward: gives the gradient of the mean loss to `sink`, returns the losses [R] in nats. */
export function gptGradientInto(
  architecture: GptArchitecture,
  sink: GradientSink,
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
  sink.layerNorm("ln_f", last, dnormal);
  let dstream = layerNormInputGradient(dnormal, last, weightOf(weights, "ln_f.weight"), null);

  const lowest = lowestWantedLayer(sink, architecture.layers);
  for (let layer = architecture.layers - 1; layer >= lowest; layer--) {
    dstream = blockGradient(architecture, sink, weights, layer, blocks[layer]!, dstream, T);
  }
  sink.embedding({ tokens, time: T, dx: dstream, normal, dlogits });
  return losses;
}

/** doutput [R, C] → dinput [R, C]. */
function blockGradient(
  { heads }: GptArchitecture,
  sink: GradientSink,
  weights: Weights,
  layer: number,
  at: BlockActivations,
  doutput: Tensor,
  time: number,
): Tensor {
  const name = (part: string) => `h.${layer}.${part}`;
  const weight = (part: string) => weightOf(weights, name(`${part}.weight`));
  /** The gradient of a linear operation's weights, then that of its input. */
  const conv = (part: string, x: Tensor, dy: Tensor) => {
    sink.linear(name(part), x, dy, "in-out");
    return linearInputGradient(dy, weight(part), null, { orientation: "in-out" });
  };
  const norm = (part: string, x: Tensor, dy: Tensor, residual: Tensor) => {
    sink.layerNorm(name(part), x, dy);
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

/** The backward pass stops here: nothing below, and no embedding, is wanted. */
function lowestWantedLayer(sink: GradientSink, layers: number): number {
  if (sink.wants("wte.") || sink.wants("wpe.")) return 0;
  let layer = 0;
  while (layer < layers && !sink.wants(`h.${layer}.`)) layer++;
  return layer;
}
