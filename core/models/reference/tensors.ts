import { assert } from "../../errors.ts";
import type { Layout } from "../../tensors/layout.ts";

/** A model's tensors by name, each flat with its outermost dimension first. */
export type Tensors = ReadonlyMap<string, Float64Array>;

/** The flat parameters [N] cut into tensors, as views. */
export function splitFlat(flat: Float64Array, layout: Layout): Tensors {
  assert(flat.length === layout.size, `${flat.length} parameters for ${layout.size} positions`);
  return new Map(
    layout.tensors.map(({ name, offset, size }) => [name, flat.subarray(offset, offset + size)]),
  );
}

/** Tensors put together in layout order → [N]. */
export function joinFlat(tensors: Tensors, layout: Layout): Float64Array {
  const flat = new Float64Array(layout.size); // [N]
  for (const { name, offset, size } of layout.tensors) {
    const tensor = referenceTensor(tensors, name);
    assert(
      tensor.length === size,
      `tensor "${name}": ${tensor.length} values for ${size} positions`,
    );
    flat.set(tensor, offset);
  }
  return flat;
}

/** The tensor with that name, which the model's shapes promise. */
export function referenceTensor(tensors: Tensors, name: string): Float64Array {
  const tensor = tensors.get(name);
  assert(tensor !== undefined, `no tensor "${name}"`);
  return tensor;
}

/** a + b, element by element. */
export function sum(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, p) => value + b[p]!);
}
