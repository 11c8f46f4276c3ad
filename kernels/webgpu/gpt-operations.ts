import { type TensorInfo, util } from "@tensorflow/tfjs-core";
import { attentionPrograms } from "./attention.ts";
import {
  ELEMENTS_A_THREAD,
  EMBED,
  GELU,
  GELU_INPUT_GRADIENT,
  LAYER_NORM,
  LAYER_NORM_WEIGHT_TERMS,
  layerNormGroups,
  layerNormInputGradientProgram,
  SAMPLED_SCATTER_ADD,
} from "./gpt-programs.ts";
import { type Body, matrix, part, take } from "./operations.ts";
import { runProgram } from "./program.ts";
import { THREADS } from "./programs.ts";

/** The operations of core/models/gpt-operations.ts. */
export const GPT_OPERATIONS: Readonly<Record<string, Body>> = {
  Embed: (backend, inputs, { time }) => {
    const [tokens, wte, wpe] = take(inputs, "tokens", "wte", "wpe");
    const [, C] = matrix(wte);
    const R = util.sizeFromShape(tokens.shape);
    const x = backend.makeTensorInfo([R, C], "float32");
    runProgram(backend, EMBED, {
      output: x,
      inputs: [tokens, wte, wpe],
      integers: [R * C, C, Number(time)],
      groups: Math.ceil((R * C) / THREADS),
    });
    return x;
  },

  SampledScatterAdd: (backend, inputs, attributes) => {
    const [gradient, dx, tokens, positions] = take(inputs, "gradient", "dx", "tokens", "positions");
    const { start, count } = part(attributes);
    runProgram(backend, SAMPLED_SCATTER_ADD, {
      output: gradient,
      inputs: [dx, tokens, positions],
      integers: [...matrix(dx), start, count],
      groups: Math.ceil(count / THREADS),
    });
    return [];
  },

  LayerNorm: (backend, inputs) => {
    const [x, weight, bias] = take(inputs, "x", "weight", "bias");
    const [R, C] = matrix(x);
    const y = backend.makeTensorInfo([R, C], "float32");
    const call = { output: y, inputs: [x, weight, bias], ...normOf(R, C) };
    runProgram(backend, LAYER_NORM, call);
    return y;
  },

  LayerNormInputGradient: (backend, inputs) => {
    const [dy, x, weight] = take(inputs, "dy", "x", "weight");
    const { residual } = inputs;
    const [R, C] = matrix(x);
    const dx = backend.makeTensorInfo([R, C], "float32");
    runProgram(backend, layerNormInputGradientProgram(residual !== undefined), {
      output: dx,
      inputs: residual === undefined ? [dy, x, weight] : [dy, x, weight, residual],
      ...normOf(R, C),
    });
    return dx;
  },

  LayerNormWeightTerms: (backend, inputs) => {
    const [dy, x] = take(inputs, "dy", "x");
    const [R, C] = matrix(x);
    const terms = backend.makeTensorInfo([R, C], "float32");
    const call = { output: terms, inputs: [dy, x], ...normOf(R, C) };
    runProgram(backend, LAYER_NORM_WEIGHT_TERMS, call);
    return terms;
  },

  CausalAttention: (backend, inputs, { time, heads }) => {
    const [qkv] = take(inputs, "qkv");
    const [R, wide] = matrix(qkv);
    const sizes = { R, C: wide / 3, T: Number(time), H: Number(heads) };
    const { integers, groups, programs } = attentionCall(sizes);
    const logSums = backend.makeTensorInfo([R, sizes.H], "float32");
    const mixed = backend.makeTensorInfo([R, sizes.C], "float32");
    runProgram(backend, programs.logSums, { output: logSums, inputs: [qkv], integers, groups });
    const call = { output: mixed, inputs: [qkv, logSums], integers, groups };
    runProgram(backend, programs.mixed, call);
    return [mixed, logSums];
  },

  CausalAttentionGradient: (backend, inputs, { time, heads }) => {
    const given = take(inputs, "dy", "qkv", "mixed", "logSums");
    const [R, C] = matrix(given[0]);
    const sizes = { R, C, T: Number(time), H: Number(heads) };
    const { integers, groups, programs } = attentionCall(sizes);
    const dqkv = backend.makeTensorInfo([R, 3 * C], "float32");
    const call = { output: dqkv, inputs: given, integers, groups };
    runProgram(backend, programs.queryGradient, call); // fills the first C columns,
    runProgram(backend, programs.keyValueGradient, call); // the others
    return dqkv;
  },

  Gelu: (backend, inputs) => {
    const [x] = take(inputs, "x");
    const y = backend.makeTensorInfo(x.shape, "float32");
    runProgram(backend, GELU, { output: y, inputs: [x], ...elements(x) });
    return y;
  },

  GeluInputGradient: (backend, inputs) => {
    const [dy, x] = take(inputs, "dy", "x");
    const dx = backend.makeTensorInfo(x.shape, "float32");
    runProgram(backend, GELU_INPUT_GRADIENT, { output: dx, inputs: [dy, x], ...elements(x) });
    return dx;
  },
};

function attentionCall({ R, T, C, H }: { R: number; T: number; C: number; H: number }) {
  return {
    integers: [R * H, T, C, H],
    groups: Math.ceil((R * H) / THREADS),
    programs: attentionPrograms(C / H),
  };
}

function normOf(R: number, C: number): { integers: number[]; groups: number } {
  return { integers: [R, C], groups: layerNormGroups(R) };
}

function elements({ shape }: TensorInfo): { integers: number[]; groups: number } {
  const size = util.sizeFromShape(shape);
  return { integers: [size], groups: Math.ceil(size / THREADS / ELEMENTS_A_THREAD) };
}
