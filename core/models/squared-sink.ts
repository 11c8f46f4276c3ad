import {
  concat,
  mul,
  oneHot,
  ones,
  reshape,
  scalar,
  slice,
  sub,
  type Tensor,
  zeros,
} from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import type { GradientSink } from "./gradient-sink.ts";
import { tableOf, type Weights, weightOf } from "./model.ts";
import { type Orientation, squaredGradientInto } from "./operations.ts";
import type { RowBlock } from "./row-blocks.ts";
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
  const productInto = (into: Tensor, x: Tensor, dy: Tensor, orientation: Orientation) => {
    const rows = x.shape[0]! / E;
    const shape = orientation === "out-in" ? [dy.shape[1]!, -1] : [x.shape[1]!, -1];
    squaredGradientInto(reshape(into, shape), x, dy, { rows, scale, orientation });
  };
  const product = (name: string, x: Tensor, dy: Tensor, orientation: Orientation) =>
    productInto(weightOf(sums, name), x, dy, orientation);
  /** A bias is the weight of an input that is always 1. */
  const columnSums = (name: string, dy: Tensor) =>
    product(name, ones([dy.shape[0]!, 1]), dy, "in-out");

  return {
    wants: () => true,
    stripsOf: (name) => stripsOf(tableOf(sums, `${name}.weight`)),

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
      if (isTied) return;
      tableOf(sums, `${name}.weight`).forEach((block, strip) => {
        productInto(block, x, dy[strip]!, "out-in");
      });
    },

    lookup(name, { tokens, dx, tied }) {
      // Looking up multiplies with one-hot rows, so both uses of a tied weight are one product of twice the rows an example.
      assert(tied !== "given", "squares of a tied output layer need all its rows");
      const x = tied === null ? dx : joinRows(tied.x, dx, E);
      const blocks = tableOf(sums, `${name}.weight`);
      stripsOf(blocks).forEach(({ first, count }, strip) => {
        const looked = lookedUp(tokens, first, count);
        const dy = tied === null ? looked : joinRows(tied.dy[strip]!, looked, E);
        productInto(blocks[strip]!, x, dy, "out-in");
      });
    },
  };
}

/** Which rows of a table its blocks hold. */
function stripsOf(blocks: readonly Tensor[]): RowBlock[] {
  let end = 0;
  return blocks.map(({ shape: [count = 0] }) => {
    const first = end;
    end += count;
    return { first, count };
  });
}

/** [R, count]: 1 where a row's token is `first` plus the column's number, else 0. */
function lookedUp(tokens: Tensor, first: number, count: number): Tensor {
  const own = first === 0 ? tokens : sub(tokens, scalar(first, "int32"));
  const hot = oneHot(own, Math.max(2, count)); // tfjs has none of one column
  const columns = count === 1 ? slice(hot, [0, 0], [-1, 1]) : hot;
  return mul(columns, 1); // a product makes f32 of int32 on every backend of tfjs
}

/** a and b [R, width] → [2R, width]: of every example first its rows of a, then those of b. */
function joinRows(a: Tensor, b: Tensor, E: number): Tensor {
  const [R = 0, width = 0] = a.shape;
  const shape = [E, R / E, width];
  return reshape(concat([reshape(a, shape), reshape(b, shape)], 1), [2 * R, width]);
}
