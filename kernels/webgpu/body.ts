import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import {
  type NamedAttrMap,
  type NamedTensorInfoMap,
  type TensorInfo,
  util,
} from "@tensorflow/tfjs-core";
import { assert } from "../../core/errors.ts";
import { THREADS } from "./programs.ts";

/** What an operation records for tfjs's WebGPU backend. */
export type Body = (
  backend: WebGPUBackend,
  inputs: NamedTensorInfoMap,
  attributes: NamedAttrMap,
) => TensorInfo | TensorInfo[];

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

const ELEMENTS_A_THREAD = 4; // keeps a long text's groups under WebGPU's 65,535

/** How `x` is gone through value by value: its size, the workgroups, and the multiply-adds of one at `cost` a value. */
export function elementsOf({ shape }: TensorInfo, cost: number) {
  const size = util.sizeFromShape(shape);
  const each = THREADS * ELEMENTS_A_THREAD;
  return { integers: [size], groups: Math.ceil(size / each), groupCost: each * cost };
}

/** The loop of a thread over its values `at`, neighbours in neighbouring threads; `elements` is the first integer. */
export const eachElement = (body: string) => `
      let first = (index / ${THREADS}) * ${THREADS * ELEMENTS_A_THREAD} + i32(localIndex);
      for (var step = 0; step < ${ELEMENTS_A_THREAD}; step++) {
        let at = first + step * ${THREADS};
        if (at >= uniforms.elements) { return; }
        ${body}
      }`;
