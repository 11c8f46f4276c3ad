import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { registerKernel, util } from "@tensorflow/tfjs-core";
import { matrix, pair, part } from "../attributes.ts";
import { ACTIVATION_BODIES } from "./activation.ts";
import { ATTENTION_BODIES } from "./attention.ts";
import { type Body, take } from "./body.ts";
import { runInParts } from "./dispatch-limit.ts";
import { EMBEDDING_BODIES } from "./embedding.ts";
import { EPILOGUES } from "./epilogues.ts";
import { runMatmul } from "./matmul.ts";
import { NORM_BODIES } from "./norm.ts";
import { runProgram } from "./program.ts";
import {
  ADAMW,
  APPLY_DELTA,
  CROSS_ENTROPY_GRADIENT,
  CROSS_ENTROPY_LOSSES,
  LOGIT_COST,
  LOSS,
  SCORE_LOGITS,
  THREADS,
} from "./programs.ts";
import { runSampledLinear } from "./sampled.ts";
import { runSquaredGradient } from "./squared-gradient.ts";

/** Register the operations of core/models for tfjs's WebGPU backend. */
export function registerWebGpuOperations(): void {
  for (const [kernelName, body] of Object.entries(ALL_BODIES)) {
    registerKernel({
      kernelName,
      backendName: "webgpu",
      kernelFunc: ({ inputs, attrs, backend }) =>
        body(backend as WebGPUBackend, inputs, attrs ?? {}), // tfjs passes the backend of that name
    });
  }
}

/** What an epilogue is where a bias comes first. */
const WITH_BIAS = { none: "bias", relu: "biasRelu", residual: "biasResidual" } as const;

const OPERATIONS: Record<string, Body> = {
  Linear: (backend, inputs, { orientation, relu }) => {
    const [x, weight] = take(inputs, "x", "weight");
    const { bias, residual } = inputs;
    const [rows, depth] = matrix(x);
    const [first, second] = matrix(weight);
    const columns = orientation === "out-in" ? first : second;
    const y = backend.makeTensorInfo([rows, columns], "float32");
    const added = residual === undefined ? (relu === true ? "relu" : "none") : "residual";
    const epilogue = bias === undefined ? EPILOGUES[added] : EPILOGUES[WITH_BIAS[added]];
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
    const { x, past } = inputs;
    const [rows, depth] = matrix(dy);
    const [first, second] = matrix(weight);
    const columns = orientation === "out-in" ? second : first;
    const dx = backend.makeTensorInfo([rows, columns], "float32");
    const gate = past === undefined ? EPILOGUES.gate : EPILOGUES.gateResidual;
    const open = past === undefined ? EPILOGUES.none : EPILOGUES.residual;
    runMatmul(backend, {
      output: dx,
      inputs: [dy, weight, x, past].filter((input) => input !== undefined),
      transposed: orientation !== "out-in",
      epilogue: x === undefined ? open : gate,
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
      adds: attributes.adds === true,
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
    const [logits, targets, weights] = take(inputs, "logits", "targets", "weights");
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
    const weighted = { ...call, inputs: [logits, targets, weights] };
    runInParts(backend, CROSS_ENTROPY_GRADIENT, { ...weighted, output: dlogits });
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

  LossInto: (backend, inputs, { index }) => {
    const [log, losses, weights] = take(inputs, "log", "losses", "weights");
    const integers = [util.sizeFromShape(losses.shape), Number(index)];
    runProgram(backend, LOSS, { output: log, inputs: [losses, weights], integers, groups: 1 });
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
      integers: [start, count, Number(attributes.offset)],
      groups: Math.ceil(count / THREADS),
    });
    return [];
  },
};

const ALL_BODIES: Readonly<Record<string, Body>> = {
  ...OPERATIONS,
  ...EMBEDDING_BODIES,
  ...NORM_BODIES,
  ...ATTENTION_BODIES,
  ...ACTIVATION_BODIES,
};
