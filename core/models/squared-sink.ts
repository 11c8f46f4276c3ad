import { concat, mul, oneHot, ones, reshape, type Tensor, zeros } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import type { GradientSink } from "./gradient-sink.ts";
import { type Weights, weightOf } from "./model.ts";
import { type Orientation, squaredGradientInto } from "./operations.ts";
import { norm as normalise } from "./transformer-operations.ts";

// E examples, R rows of all of them, C channels, V vocabulary

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
    const into = reshape(
      weightOf(sums, name),
      orientation === "out-in" ? [dy.shape[1]!, -1] : [x.shape[1]!, -1],
    );
    squaredGradientInto(into, x, dy, { rows, scale, orientation });
  };
  /** A bias is the weight of an input that is always 1. */
  const columnSums = (name: string, dy: Tensor) =>
    product(name, ones([dy.shape[0]!, 1]), dy, "in-out");

  return {
    wants: () => true,
    needsAllRows: true,

    linear(name, x, dy, orientation) {
      product(`${name}.weight`, x, dy, orientation);
      if (sums.has(`${name}.bias`)) columnSums(`${name}.bias`, dy);
    },

    norm(name, x, dy, norm) {
      const C = x.shape[1]!;
      const bias = norm.norm === "layer" ? zeros([C]) : null;
      columnSums(`${name}.weight`, mul(dy, normalise(x, ones([C]), bias, norm)));
      if (bias !== null) columnSums(`${name}.bias`, dy);
    },

    offset: columnSums,

    output(name, { x, dy }, { isTied }) {
      if (!isTied) product(`${name}.weight`, x, dy, "out-in");
    },

    lookup(name, { tokens, dx, vocabulary, tied }) {
      // Looking up multiplies with one-hot rows, so both uses of a tied weight are one product of twice the rows an example.
      const looked = mul(oneHot(tokens, vocabulary), 1); // [R, V]; a product makes f32 of int32 on every backend of tfjs
      assert(tied !== "given", "squares of a tied output layer need all its rows");
      const [x, dy] =
        tied === null ? [dx, looked] : [joinRows(tied.x, dx, E), joinRows(tied.dy, looked, E)];
      product(`${name}.weight`, x, dy, "out-in");
    },
  };
}

/** a and b [R, width] → [2R, width]: of every example first its rows of a, then those of b. */
function joinRows(a: Tensor, b: Tensor, E: number): Tensor {
  const [R = 0, width = 0] = a.shape;
  const shape = [E, R / E, width];
  return reshape(concat([reshape(a, shape), reshape(b, shape)], 1), [2 * R, width]);
}
