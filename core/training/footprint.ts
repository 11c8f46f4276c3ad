import { modelOf } from "../models/registry.ts";
import type { Architecture } from "../protocol/schemas/recipe.ts";

const F32_BYTES = 4;
const STATE_ROWS = 3; // delta and both moments

/** A tensor that a training puts on the device. */
export type TensorSize = { readonly name: string; readonly sizeBytes: number };

/** The largest tensor that training `architecture` makes, for a mask of `masked` entries and steps of `batch` examples. */
export function largestTensor(
  architecture: Architecture,
  { batch, masked }: { readonly batch: number; readonly masked: number },
): TensorSize {
  const { shapes, blocksOf, widest } = modelOf(architecture);
  const computed = widest(batch);
  const sizes = [
    ...shapes.map((tensor) => {
      const [{ count } = { count: 1 }, ...others] = blocksOf(tensor);
      const block = others.length === 0 ? "tensor" : "a block of tensor";
      return sizeOf(`${block} ${tensor.name}`, [count, ...tensor.shape.slice(1)]);
    }),
    sizeOf("the optimiser's state", [STATE_ROWS, masked]),
    sizeOf(computed.name, computed.shape),
  ];
  return sizes.reduce((most, size) => (size.sizeBytes > most.sizeBytes ? size : most));
}

function sizeOf(name: string, shape: readonly number[]): TensorSize {
  return { name, sizeBytes: shape.reduce((size, length) => size * length, F32_BYTES) };
}
