import { type TensorInfo, util } from "@tensorflow/tfjs-core";
import { attentionPrograms } from "./attention.ts";
import { runInParts } from "./dispatch-limit.ts";
import {
  EMBED,
  GELU,
  GELU_INPUT_GRADIENT,
  geluGroups,
  LAYER_NORM,
  layerNormGroups,
  layerNormInputGradientProgram,
} from "./gpt-programs.ts";
import { type Body, matrix, pair, take } from "./operations.ts";
import { THREADS } from "./programs.ts";
import { runSampledEmbedding, runSampledNorm } from "./sampled.ts";

const PASSES_OF_A_KEY = 4; // over its D channels, in the longest of the programs

/** The operations of core/models/gpt-operations.ts. */
export const GPT_OPERATIONS: Readonly<Record<string, Body>> = {
  Embed: (backend, inputs, { time }) => {
    const [tokens, wte, wpe] = take(inputs, "tokens", "wte", "wpe");
    const [, C] = matrix(wte);
    const R = util.sizeFromShape(tokens.shape);
    const x = backend.makeTensorInfo([R, C], "float32");
    runInParts(backend, EMBED, {
      output: x,
      inputs: [tokens, wte, wpe],
      integers: [R * C, C, Number(time)],
      groups: Math.ceil((R * C) / THREADS),
      groupCost: THREADS,
    });
    return x;
  },

  SampledEmbedding: (backend, inputs, attributes) => {
    const { time } = attributes;
    const [gradient, positions] = take(inputs, "gradient", "positions");
    const [tokens, dx, normal, dlogits] = take(inputs, "tokens", "dx", "normal", "dlogits");
    const at = { tokens, time: Number(time), dx, normal, dlogits };
    runSampledEmbedding(backend, { gradient, at, positions, pair: pair(attributes) });
    return [];
  },

  LayerNorm: (backend, inputs) => {
    const [x, weight, bias] = take(inputs, "x", "weight", "bias");
    const [R, C] = matrix(x);
    const y = backend.makeTensorInfo([R, C], "float32");
    const call = { output: y, inputs: [x, weight, bias], ...normOf(R, C) };
    runInParts(backend, LAYER_NORM, call);
    return y;
  },

  LayerNormInputGradient: (backend, inputs) => {
    const [dy, x, weight] = take(inputs, "dy", "x", "weight");
    const { residual } = inputs;
    const [R, C] = matrix(x);
    const dx = backend.makeTensorInfo([R, C], "float32");
    runInParts(backend, layerNormInputGradientProgram(residual !== undefined), {
      output: dx,
      inputs: residual === undefined ? [dy, x, weight] : [dy, x, weight, residual],
      ...normOf(R, C),
    });
    return dx;
  },

  SampledNorm: (backend, inputs, attributes) => {
    const [gradient, x, dy, positions] = take(inputs, "gradient", "x", "dy", "positions");
    runSampledNorm(backend, { gradient, x, dy, positions, pair: pair(attributes) });
    return [];
  },

  CausalAttention: (backend, inputs, { time, heads }) => {
    const [qkv] = take(inputs, "qkv");
    const [R, wide] = matrix(qkv);
    const sizes = { R, C: wide / 3, T: Number(time), H: Number(heads) };
    const { call, programs } = attentionCall(sizes);
    const logSums = backend.makeTensorInfo([R, sizes.H], "float32");
    const mixed = backend.makeTensorInfo([R, sizes.C], "float32");
    runInParts(backend, programs.logSums, { output: logSums, inputs: [qkv], ...call });
    runInParts(backend, programs.mixed, { output: mixed, inputs: [qkv, logSums], ...call });
    return [mixed, logSums];
  },

  CausalAttentionGradient: (backend, inputs, { time, heads }) => {
    const given = take(inputs, "dy", "qkv", "mixed", "logSums");
    const [R, C] = matrix(given[0]);
    const sizes = { R, C, T: Number(time), H: Number(heads) };
    const { call, programs } = attentionCall(sizes);
    const dqkv = backend.makeTensorInfo([R, 3 * C], "float32");
    const all = { output: dqkv, inputs: given, ...call };
    runInParts(backend, programs.queryGradient, all); // fills the first C columns,
    runInParts(backend, programs.keyValueGradient, all); // the others
    return dqkv;
  },

  Gelu: (backend, inputs) => {
    const [x] = take(inputs, "x");
    const y = backend.makeTensorInfo(x.shape, "float32");
    runInParts(backend, GELU, { output: y, inputs: [x], ...elements(x) });
    return y;
  },

  GeluInputGradient: (backend, inputs) => {
    const [dy, x] = take(inputs, "dy", "x");
    const dx = backend.makeTensorInfo(x.shape, "float32");
    runInParts(backend, GELU_INPUT_GRADIENT, { output: dx, inputs: [dy, x], ...elements(x) });
    return dx;
  },
};

function attentionCall({ R, T, C, H }: { R: number; T: number; C: number; H: number }) {
  return {
    programs: attentionPrograms(C / H),
    call: {
      integers: [R * H, T, C, H],
      groups: Math.ceil((R * H) / THREADS),
      groupCost: THREADS * PASSES_OF_A_KEY * T * (C / H),
    },
  };
}

function normOf(R: number, C: number) {
  return { integers: [R, C], ...layerNormGroups(R, C) };
}

function elements({ shape }: TensorInfo) {
  const size = util.sizeFromShape(shape);
  return { integers: [size], ...geluGroups(size) };
}
