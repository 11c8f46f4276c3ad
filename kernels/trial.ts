import { type Tensor, tensor } from "@tensorflow/tfjs-core";
import type { Random } from "../core/random.ts";

/** An operation on the open backend, and the plain body's answer to the same input. */
export type OperationTrial = {
  readonly op: string;
  readonly onDevice: () => Tensor[];
  readonly expected: readonly Float32Array[];
};

/** R rows, I inputs, O outputs of the products: no multiples of any tile or vector. */
export const TRIAL_SIZES = { R: 37, I: 51, O: 35 } as const;

/** Multiples of 2^−23 in −1…1: all that f32 holds there, so that a device that quietly rounds to f16 is found out. */
export function floats(random: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => random.below(2 ** 24 + 1) / 2 ** 23 - 1);
}

export function blank(length: number): Float32Array {
  return new Float32Array(length);
}

/** A copy on the device: the operations write in place. */
export function on(values: Float32Array, ...shape: number[]): Tensor {
  return tensor(values.slice(), shape);
}

export function integers(values: Int32Array): Tensor {
  return tensor(values.slice(), [values.length], "int32");
}
