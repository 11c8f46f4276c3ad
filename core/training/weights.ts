import { type Tensor, tensor } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import type { Model, Weights } from "../models/model.ts";
import { createLayout } from "../tensors/layout.ts";

/** Put the flat parameters [N] on the device, one tensor each, copied. The caller disposes them. */
export function uploadWeights(model: Model, parameters: Float32Array): Weights {
  const { tensors, size } = createLayout(model.shapes);
  assert(parameters.length === size, `${parameters.length} parameters for ${size} positions`);
  const weights = new Map<string, Tensor>();
  for (const { name, shape, offset, size } of tensors) {
    weights.set(name, tensor(parameters.slice(offset, offset + size), [...shape]));
  }
  return weights;
}
