import type { GptArchitecture } from "../gpt-shapes.ts";
import { causalAttentionBackward } from "./attention.ts";
import { crossEntropy, crossEntropyBackward } from "./cross-entropy.ts";
import { scatterAdd } from "./embedding.ts";
import { geluWithBiasBackward } from "./gelu.ts";
import { type BlockActivations, type GptBatch, gptForward } from "./gpt.ts";
import { layerNormBackward } from "./layer-norm.ts";
import {
  columnSums,
  linear,
  linearInputGradient,
  linearWeightGradient,
  transpose,
} from "./linear.ts";
import { sum, type Tensors, tensorOf } from "./tensors.ts";

// B batch, T time, R = B·T rows, C channels, V vocabulary

/** The losses [B, T] in nats and the dense gradient of their mean, tensor by tensor. */
export function gptGradient(
  architecture: GptArchitecture,
  tensors: Tensors,
  batch: GptBatch,
): { losses: Float64Array; gradient: Tensors } {
  const { channels: C, vocabulary: V, context } = architecture;
  const R = batch.tokens.length;
  const times = Int32Array.from(batch.tokens, (_, r) => r % (R / batch.batch)); // [R]
  const { blocks, last, normal, logits } = gptForward(architecture, tensors, batch);
  const gradient = new Map<string, Float64Array>();

  const dlosses = new Float64Array(R).fill(1 / R); // [R], the loss is the mean
  const dlogits = crossEntropyBackward(logits, batch.targets, dlosses); // [R, V]
  const wte = tensorOf(tensors, "wte.weight"); // [V, C]
  const dnormal = linear(dlogits, wte, null, { inputs: V, outputs: C }); // [R, C]
  const dlast = layerNormBackward(last, tensorOf(tensors, "ln_f.weight"), dnormal);
  gradient.set("ln_f.weight", dlast.weight);
  gradient.set("ln_f.bias", dlast.bias);

  let dstream = dlast.x; // [R, C]
  for (let layer = architecture.layers - 1; layer >= 0; layer--) {
    dstream = blockBackward(
      architecture,
      tensors,
      layer,
      batch.batch,
      blocks[layer]!,
      dstream,
      gradient,
    );
  }
  const asOutput = linearWeightGradient(normal, dlogits, { inputs: C, outputs: V }); // [C, V]
  const asInput = scatterAdd(dstream, batch.tokens, { vocabulary: V, channels: C }); // [V, C]
  gradient.set("wte.weight", sum(transpose(asOutput, C, V), asInput)); // tied: both uses add up
  gradient.set("wpe.weight", scatterAdd(dstream, times, { vocabulary: context, channels: C }));
  return { losses: crossEntropy(logits, batch.targets), gradient };
}

/** Adds the block's tensors to `gradient`; doutput [R, C] → dinput [R, C]. */
function blockBackward(
  { channels: C, heads }: GptArchitecture,
  tensors: Tensors,
  layer: number,
  batch: number,
  at: BlockActivations,
  doutput: Float64Array,
  gradient: Map<string, Float64Array>,
): Float64Array {
  const tensor = (name: string) => tensorOf(tensors, `h.${layer}.${name}`);
  const save = (name: string, value: Float64Array) => gradient.set(`h.${layer}.${name}`, value);
  const narrow = { inputs: 4 * C, outputs: C };
  const widen = { inputs: C, outputs: 4 * C };
  const project = { inputs: C, outputs: C };
  const attend = { inputs: C, outputs: 3 * C };

  save("mlp.c_proj.weight", linearWeightGradient(at.active, doutput, narrow));
  save("mlp.c_proj.bias", columnSums(doutput, C));
  const dactive = linearInputGradient(doutput, tensor("mlp.c_proj.weight"), narrow); // [R, 4C]
  const dwide = geluWithBiasBackward(at.wide, tensor("mlp.c_fc.bias"), dactive);
  save("mlp.c_fc.weight", linearWeightGradient(at.normal2, dwide.x, widen));
  save("mlp.c_fc.bias", dwide.bias);
  const dnormal2 = linearInputGradient(dwide.x, tensor("mlp.c_fc.weight"), widen); // [R, C]
  const dln2 = layerNormBackward(at.middle, tensor("ln_2.weight"), dnormal2);
  save("ln_2.weight", dln2.weight);
  save("ln_2.bias", dln2.bias);
  const dmiddle = sum(doutput, dln2.x); // [R, C]

  save("attn.c_proj.weight", linearWeightGradient(at.mixed, dmiddle, project));
  save("attn.c_proj.bias", columnSums(dmiddle, C));
  const dmixed = linearInputGradient(dmiddle, tensor("attn.c_proj.weight"), project); // [R, C]
  const time = dmixed.length / C / batch;
  const dqkv = causalAttentionBackward(at.qkv, dmixed, { batch, time, channels: C, heads });
  save("attn.c_attn.weight", linearWeightGradient(at.normal1, dqkv, attend));
  save("attn.c_attn.bias", columnSums(dqkv, 3 * C));
  const dnormal1 = linearInputGradient(dqkv, tensor("attn.c_attn.weight"), attend); // [R, C]
  const dln1 = layerNormBackward(at.input, tensor("ln_1.weight"), dnormal1);
  save("ln_1.weight", dln1.weight);
  save("ln_1.bias", dln1.bias);
  return sum(dmiddle, dln1.x);
}
