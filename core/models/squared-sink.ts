import { concat, mul, oneHot, ones, reshape, type Tensor, zeros } from "@tensorflow/tfjs-core";
import { layerNorm } from "./gpt-operations.ts";
import type { GradientSink } from "./gradient-sink.ts";
import { type Weights, weightOf } from "./model.ts";
import { type Orientation, squaredGradientInto } from "./operations.ts";

// E examples, R rows of all of them, T rows of one, C channels, V vocabulary

/**
 * A sink that adds `scale` · Σ over the batch's examples of their squared gradients to `sums`, which has a tensor
 * for each weight. An example's gradient is summed over its rows before it is squared.
 */
export function squaredSink(
  sums: Weights,
  { examples: E, scale }: { examples: number; scale: number },
): GradientSink {
  const product = (name: string, x: Tensor, dy: Tensor, orientation: Orientation) => {
    const rows = x.shape[0]! / E;
    squaredGradientInto(weightOf(sums, name), x, dy, { rows, scale, orientation });
  };
  /** A bias is the weight of an input that is always 1. */
  const columnSums = (name: string, dy: Tensor) =>
    product(name, ones([dy.shape[0]!, 1]), dy, "in-out");

  return {
    wants: () => true,

    linear(name, x, dy, orientation) {
      product(`${name}.weight`, x, dy, orientation);
      columnSums(`${name}.bias`, dy);
    },

    layerNorm(name, x, dy) {
      const C = x.shape[1]!;
      columnSums(`${name}.weight`, mul(dy, layerNorm(x, ones([C]), zeros([C]))));
      columnSums(`${name}.bias`, dy);
    },

    embedding({ tokens, time, dx, normal, dlogits }) {
      // Looking up multiplies with one-hot rows, so both uses of the tied weight are one product of 2T rows an example.
      const V = dlogits.shape[1]!;
      const inputs = joinRows(normal, dx, E); // [2R, C]
      const outputs = joinRows(dlogits, oneHot(tokens, V), E); // [2R, V]
      product("wte.weight", inputs, outputs, "out-in");
      // An example of W windows meets each time W times.
      const [R = 0, C = 0] = dx.shape;
      columnSums("wpe.weight", reshape(dx, [R / time, time * C]));
    },
  };
}

/** a and b [R, width] → [2R, width]: of every example first its rows of a, then those of b. */
function joinRows(a: Tensor, b: Tensor, E: number): Tensor {
  const [R = 0, width = 0] = a.shape;
  const shape = [E, R / E, width];
  return reshape(concat([reshape(a, shape), reshape(b, shape)], 1), [2 * R, width]);
}
