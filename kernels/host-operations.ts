import {
  type DataType,
  type KernelConfig,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  registerKernel,
  type TensorInfo,
} from "@tensorflow/tfjs-core";
import { assert } from "../core/errors.ts";
import type { Orientation } from "../core/models/operations.ts";
import { matrix, pair, part } from "./attributes.ts";
import type { AdamWOptions, HostBodies } from "./host-bodies.ts";
import { type Call, type HostOperation, optional } from "./host-call.ts";
import { ACTIVATION_OPERATIONS } from "./parts/activation.ts";
import { ATTENTION_OPERATIONS } from "./parts/attention.ts";
import { EMBEDDING_OPERATIONS } from "./parts/embedding.ts";
import { NORM_OPERATIONS } from "./parts/norm.ts";

/** How a backend of the host keeps tensors. */
export type HostMemory<Backend> = {
  /** A new tensor with undefined content. */
  make(backend: Backend, shape: number[], dtype: DataType): TensorInfo;
  /** The tensor's values in place: valid until the next `make`. */
  floats(backend: Backend, tensor: TensorInfo): Float32Array;
  integers(backend: Backend, tensor: TensorInfo): Int32Array;
};

/** Register `bodies` as the operations of core/models for one backend. */
export function registerHostOperations<Backend>(
  backendName: string,
  memory: HostMemory<Backend>,
  bodies: HostBodies,
): void {
  for (const [kernelName, body] of Object.entries(ALL_OPERATIONS)) {
    const kernelFunc: KernelConfig["kernelFunc"] = ({ inputs, attrs, backend }) =>
      body(createCall(memory, backend as Backend, inputs, attrs ?? {}, bodies)); // tfjs passes the backend of that name
    registerKernel({ kernelName, backendName, kernelFunc });
  }
}

/** Whether an operation is ours, and none of tfjs's. */
export function isHostOperation(name: string): boolean {
  return name in ALL_OPERATIONS;
}

function createCall<Backend>(
  memory: HostMemory<Backend>,
  backend: Backend,
  inputs: NamedTensorInfoMap,
  attributes: NamedAttrMap,
  bodies: HostBodies,
): Call {
  const tensor = (name: string): TensorInfo => {
    const input = inputs[name];
    assert(input !== undefined, `operation without input "${name}"`);
    return input;
  };
  const resolve = (of: TensorInfo | string) => (typeof of === "string" ? tensor(of) : of);
  return {
    tensor,
    has: (name) => inputs[name] !== undefined,
    floats: (of) => memory.floats(backend, resolve(of)),
    integers: (of) => memory.integers(backend, resolve(of)),
    make: (shape) => memory.make(backend, shape, "float32"),
    attributes,
    bodies,
  };
}

// Outputs are made before any array is taken: making one may move the memory.
const OPERATIONS: Readonly<Record<string, HostOperation>> = {
  Linear: (call) => {
    const { tensor, floats, make, attributes, bodies } = call;
    const [R, I] = matrix(tensor("x"));
    const orientation = attributes.orientation as Orientation; // set by `linear` in core/models
    const [first, second] = matrix(tensor("weight"));
    const O = orientation === "out-in" ? first : second;
    const y = make([R, O]);
    const [bias, residual] = [optional(call, "bias"), optional(call, "residual")];
    const sizes = { R, I, O, orientation, relu: attributes.relu === true };
    bodies.linear(floats(y), floats("x"), floats("weight"), bias, residual, sizes);
    return y;
  },

  LinearInputGradient: (call) => {
    const { tensor, floats, make, attributes, bodies } = call;
    const [R, O] = matrix(tensor("dy"));
    const orientation = attributes.orientation as Orientation; // set by `linearInputGradient`
    const [first, second] = matrix(tensor("weight"));
    const I = orientation === "out-in" ? second : first;
    const dx = make([R, I]);
    const [x, past] = [optional(call, "x"), optional(call, "past")];
    const sizes = { R, I, O, orientation };
    bodies.linearInputGradient(floats(dx), floats("dy"), floats("weight"), x, past, sizes);
    return dx;
  },

  SampledLinear: ({ tensor, floats, integers, attributes, bodies }) => {
    const [R, I] = matrix(tensor("x"));
    const [, O] = matrix(tensor("dy"));
    const orientation = attributes.orientation as Orientation; // set by `sampledLinearInto`
    const adds = attributes.adds === true;
    const sizes = { ...pair(attributes), R, I, O, orientation, adds };
    const positions = integers("positions");
    bodies.sampledLinear(floats("gradient"), floats("x"), floats("dy"), positions, sizes);
    return [];
  },

  SquaredGradient: ({ tensor, floats, attributes, bodies }) => {
    const [R, I] = matrix(tensor("x"));
    const [, O] = matrix(tensor("dy"));
    const orientation = attributes.orientation as Orientation; // set by `squaredGradientInto`
    const [rows, scale] = [Number(attributes.rows), Number(attributes.scale)];
    const sizes = { R, I, O, orientation, rows, scale };
    bodies.squaredGradient(floats("sums"), floats("x"), floats("dy"), sizes);
    return [];
  },

  CrossEntropy: ({ tensor, floats, integers, make, bodies }) => {
    const [R, C] = matrix(tensor("logits"));
    const losses = make([R]);
    const dlogits = make([R, C]);
    const inputs = [floats("logits"), integers("targets"), floats("weights")] as const;
    bodies.crossEntropy(floats(losses), floats(dlogits), ...inputs);
    return [losses, dlogits];
  },

  ScoreLogits: ({ tensor, floats, integers, make, bodies }) => {
    const [R] = matrix(tensor("logits"));
    const scores = make([2, R]);
    const [losses, right] = [floats(scores).subarray(0, R), floats(scores).subarray(R)];
    bodies.scoreLogits(losses, right, floats("logits"), integers("targets"));
    return scores;
  },

  LossInto: ({ floats, attributes }) => {
    const weights = floats("weights");
    let sum = 0;
    floats("losses").forEach((loss, r) => {
      sum += weights[r]! * loss;
    });
    floats("log")[Number(attributes.index)] = sum;
    return [];
  },

  MaskedAdamW: ({ floats, attributes, bodies }) => {
    const options = attributes as unknown as AdamWOptions; // the options of `adamWInto`
    bodies.adamW(floats("state"), floats("gradient"), floats("base"), options);
    return [];
  },

  ApplyDelta: ({ floats, integers, attributes, bodies }) => {
    const inputs = [floats("state"), floats("base"), integers("positions")] as const;
    const options = { ...part(attributes), offset: Number(attributes.offset) };
    bodies.applyDelta(floats("weight"), ...inputs, options);
    return [];
  },
};

const ALL_OPERATIONS: Readonly<Record<string, HostOperation>> = {
  ...OPERATIONS,
  ...EMBEDDING_OPERATIONS,
  ...NORM_OPERATIONS,
  ...ATTENTION_OPERATIONS,
  ...ACTIVATION_OPERATIONS,
};
