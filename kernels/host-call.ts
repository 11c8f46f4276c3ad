import type { NamedAttrMap, TensorInfo } from "@tensorflow/tfjs-core";
import type { HostBodies } from "./host-bodies.ts";

/** What a body's wrapper works with: its inputs by name, its attributes, the memory. */
export type Call = {
  readonly tensor: (name: string) => TensorInfo;
  readonly has: (name: string) => boolean;
  readonly floats: (tensor: TensorInfo | string) => Float32Array;
  readonly integers: (tensor: TensorInfo | string) => Int32Array;
  readonly make: (shape: number[]) => TensorInfo;
  readonly attributes: NamedAttrMap;
  readonly bodies: HostBodies;
};

/** Outputs are made before any array is taken: making one may move the memory. */
export type HostOperation = (call: Call) => TensorInfo | TensorInfo[];

/** The values of an input that may be absent. */
export function optional({ has, floats }: Call, name: string): Float32Array | null {
  return has(name) ? floats(name) : null;
}
