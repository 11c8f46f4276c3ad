import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import {
  type NamedAttrMap,
  type NamedTensorInfoMap,
  registerKernel,
  type TensorInfo,
  util,
} from "@tensorflow/tfjs-core";
import { assert } from "../../core/errors.ts";
import type { MaskPair } from "../../core/models/operations.ts";
import { runInParts } from "./dispatch-limit.ts";
import { EPILOGUES } from "./epilogues.ts";
import { GPT_OPERATIONS } from "./gpt-operations.ts";
import { runMatmul } from "./matmul.ts";
import { runProgram } from "./program.ts";
import {
  ADAMW,
  APPLY_DELTA,
  CROSS_ENTROPY_GRADIENT,
  CROSS_ENTROPY_LOSSES,
  LOGIT_COST,
  MEAN,
  SCORE_LOGITS,
  THREADS,
} from "./programs.ts";
import { runSampledLinear } from "./sampled.ts";
import { runSquaredGradient } from "./squared-gradient.ts";

export type Body = (
  backend: WebGPUBackend,
  inputs: NamedTensorInfoMap,
  attributes: NamedAttrMap,
) => TensorInfo | TensorInfo[];

/** Register the operations of core/models for tfjs's WebGPU backend. */
export function registerWebGpuOperations(): void {
  for (const [kernelName, body] of Object.entries({ ...OPERATIONS, ...GPT_OPERATIONS })) {
    registerKernel({
      kernelName,
      backendName: "webgpu",
      kernelFunc: ({ inputs, attrs, backend }) =>
        body(backend as WebGPUBackend, inputs, attrs ?? {}), // tfjs passes the backend of that name
    });
  }
}

const OPERATIONS: Record<string, Body> = {
  Linear: (backend, inputs, { orientation, relu }) => {
    const [x, weight] = take(inputs, "x", "weight");
    const { bias, residual } = inputs;
    const [rows, depth] = matrix(x);
    const [first, second] = matrix(weight);
    const columns = orientation === "out-in" ? first : second;
    const y = backend.makeTensorInfo([rows, columns], "float32");
    const epilogue =
      bias === undefined
        ? EPILOGUES[relu === true ? "relu" : "none"]
        : residual !== undefined
          ? EPILOGUES.biasResidual
          : EPILOGUES[relu === true ? "biasRelu" : "bias"];
    runMatmul(backend, {
      output: y,
      inputs: [x, weight, bias, residual].filter((input) => input !== undefined),
      transposed: orientation === "out-in",
      epilogue,
      rows,
      columns,
      depth,
    });
    return y;
  },

  LinearInputGradient: (backend, inputs, { orientation }) => {
    const [dy, weight] = take(inputs, "dy", "weight");
    const { x } = inputs;
    const [rows, depth] = matrix(dy);
    const [first, second] = matrix(weight);
    const columns = orientation === "out-in" ? second : first;
    const dx = backend.makeTensorInfo([rows, columns], "float32");
    const epilogue = EPILOGUES[x === undefined ? "none" : "gate"];
    runMatmul(backend, {
      output: dx,
      inputs: x === undefined ? [dy, weight] : [dy, weight, x],
      transposed: orientation !== "out-in",
      epilogue,
      rows,
      columns,
      depth,
    });
    return dx;
  },

  SampledLinear: (backend, inputs, attributes) => {
    const [gradient, x, dy, positions] = take(inputs, "gradient", "x", "dy", "positions");
    runSampledLinear(backend, {
      gradient,
      x,
      dy,
      positions,
      pair: pair(attributes),
      outIn: attributes.orientation === "out-in",
    });
    return [];
  },

  SquaredGradient: (backend, inputs, { orientation, rows, scale }) => {
    const [sums, x, dy] = take(inputs, "sums", "x", "dy");
    const [outers, inners] = orientation === "out-in" ? [dy, x] : [x, dy];
    const options = { rows: Number(rows), scale: Number(scale) };
    runSquaredGradient(backend, { sums, outers, inners, ...options });
    return [];
  },

  CrossEntropy: (backend, inputs) => {
    const [logits, targets] = take(inputs, "logits", "targets");
    const [rows, classes] = matrix(logits);
    const losses = backend.makeTensorInfo([rows], "float32");
    const dlogits = backend.makeTensorInfo([rows, classes], "float32");
    const call = {
      inputs: [logits, targets],
      integers: [rows, classes],
      groups: Math.ceil(rows / THREADS),
      groupCost: THREADS * classes * LOGIT_COST,
    };
    runInParts(backend, CROSS_ENTROPY_LOSSES, { ...call, output: losses });
    runInParts(backend, CROSS_ENTROPY_GRADIENT, { ...call, output: dlogits });
    return [losses, dlogits];
  },

  ScoreLogits: (backend, inputs) => {
    const [logits, targets] = take(inputs, "logits", "targets");
    const [rows, classes] = matrix(logits);
    const scores = backend.makeTensorInfo([2, rows], "float32");
    runInParts(backend, SCORE_LOGITS, {
      output: scores,
      inputs: [logits, targets],
      integers: [rows, classes],
      groups: Math.ceil(rows / THREADS),
      groupCost: THREADS * classes * LOGIT_COST,
    });
    return scores;
  },

  MeanInto: (backend, inputs, { index }) => {
    const [log, losses] = take(inputs, "log", "losses");
    const integers = [util.sizeFromShape(losses.shape), Number(index)];
    runProgram(backend, MEAN, { output: log, inputs: [losses], integers, groups: 1 });
    return [];
  },

  MaskedAdamW: (backend, inputs, attributes) => {
    const [state, gradient, base] = take(inputs, "state", "gradient", "base");
    const entries = util.sizeFromShape(gradient.shape);
    runProgram(backend, ADAMW, {
      output: state,
      inputs: [gradient, base],
      integers: [entries],
      floats: ADAMW.floats.map((name) => Number(attributes[name])),
      groups: Math.ceil(entries / THREADS),
    });
    return [];
  },

  ApplyDelta: (backend, inputs, attributes) => {
    const [weight, state, base, positions] = take(inputs, "weight", "state", "base", "positions");
    const { start, count } = part(attributes);
    runProgram(backend, APPLY_DELTA, {
      output: weight,
      inputs: [state, base, positions],
      integers: [start, count],
      groups: Math.ceil(count / THREADS),
    });
    return [];
  },
};

/** Inputs that the operation cannot do without. */
export function take<Names extends readonly string[]>(
  inputs: NamedTensorInfoMap,
  ...names: Names
): { [Index in keyof Names]: TensorInfo } {
  const taken = names.map((name) => {
    const input = inputs[name];
    assert(input !== undefined, `operation without input "${name}"`);
    return input;
  });
  return taken as { [Index in keyof Names]: TensorInfo }; // one for each name
}

export function matrix({ shape }: TensorInfo): [rows: number, columns: number] {
  const [rows, columns] = shape;
  assert(shape.length === 2 && rows !== undefined && columns !== undefined, `no matrix: ${shape}`);
  return [rows, columns];
}

/** The attributes of a MaskPair. */
export function pair(attributes: NamedAttrMap): MaskPair {
  const { start, first, second } = attributes;
  return { start: Number(start), first: Number(first), second: Number(second) };
}

function part(attributes: NamedAttrMap): { start: number; count: number } {
  return { start: Number(attributes.start), count: Number(attributes.count) };
}
