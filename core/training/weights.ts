import { type Tensor, tensor } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import type { Model, Weights } from "../models/model.ts";
import { createLayout } from "../tensors/layout.ts";

/**
 * Put the flat parameters [N] on the device, copied: one tensor each, or one a block of rows, as the model cuts them for
 * `width`. The caller disposes them.
 */
export function uploadWeights(model: Model, parameters: Float32Array, width?: number): Weights {
  const { tensors, size } = createLayout(model.shapes);
  assert(parameters.length === size, `${parameters.length} parameters for ${size} positions`);
  const weights = new Map<string, Tensor[]>();
  for (const { name, shape, offset, size } of tensors) {
    const [rows = 1, ...rest] = shape;
    const length = size / rows;
    const blocks = model.blocksOf({ name, shape }, width).map(({ first, count }) => {
      const from = offset + first * length;
      return tensor(parameters.slice(from, from + count * length), [count, ...rest]);
    });
    weights.set(name, blocks);
  }
  return weights;
}
