import type { Architecture } from "../protocol/schemas/recipe.ts";
import type { Random } from "../random.ts";
import type { Layout } from "../tensors/layout.ts";

const DEVIATION = 0.02; // of a transformer's weights: Radford et al. 2019, §2.3

/** Of each layout: GPT-2's c_proj, Llama's o_proj and down_proj, ViT's output.dense. */
const RESIDUAL = /\b(c_proj|o_proj|down_proj|output\.dense)\.weight$/;

/**
 * Parameters [N] for a start from nothing. A transformer as GPT-2: weights N(0, 0.02²), those that write to the residual
 * stream smaller by √(2 · layers), norms 1, biases 0. An MLP as PyTorch's Linear: uniform in ±1/√inputs, biases too.
 */
export function initialParameters(
  architecture: Architecture,
  layout: Layout,
  random: Random,
): Float32Array<ArrayBuffer> {
  const parameters = new Float32Array(layout.size);
  for (const { name, shape, offset, size } of layout.tensors) {
    const values = parameters.subarray(offset, offset + size);
    if (architecture.kind === "mlp") {
      const layer = Number(name.split(".")[1]); // "layers.0.weight"
      const inputs = [architecture.inputs, ...architecture.hidden][layer]!;
      fillUniform(values, 1 / Math.sqrt(inputs), random);
    } else if (shape.length > 1) {
      const isResidual = RESIDUAL.test(name);
      const deviation = isResidual ? DEVIATION / Math.sqrt(2 * architecture.layers) : DEVIATION;
      fillNormal(values, deviation, random);
    } else if (name.endsWith(".weight")) values.fill(1); // of a norm
  }
  return parameters;
}

function fillUniform(values: Float32Array, bound: number, random: Random): void {
  for (let i = 0; i < values.length; i++) {
    values[i] = (random.below(1 << 24) / (1 << 23) - 1) * bound; // 24 bits are exact in f32
  }
}

function fillNormal(values: Float32Array, deviation: number, random: Random): void {
  for (let i = 0; i < values.length; i++) {
    let sum = -6; // twelve uniforms less 6 have mean 0 and variance 1, without a logarithm
    for (let j = 0; j < 12; j++) sum += random.below(1 << 24) / (1 << 24);
    values[i] = sum * deviation;
  }
}
