import { dispose, type Tensor, tensor } from "@tensorflow/tfjs-core";
import {
  linear,
  linearInputGradient,
  linearWithResidual,
  type Orientation,
} from "../../core/models/operations.ts";
import * as matrix from "../../core/models/reference/linear.ts";
import { sum } from "../../core/models/reference/tensors.ts";
import { expectClose, randomValues } from "./finite-differences.ts";
import { rounded } from "./transformer-operations.ts";

// R rows, I inputs, O outputs

const F32 = 2e-6; // sums of up to 70 f32 products, relative to the largest value

/** Edges of a thread's block (8), a tile (32) and the steps of the depth (4 and 16) on either side. */
const SIZES: readonly { R: number; I: number; O: number }[] = [
  { R: 1, I: 1, O: 1 },
  { R: 8, I: 3, O: 70 },
  { R: 7, I: 16, O: 9 },
  { R: 31, I: 17, O: 33 },
  { R: 33, I: 70, O: 31 },
  { R: 64, I: 32, O: 40 },
  { R: 70, I: 15, O: 2 },
];

/** Compare products with and without all that may follow them, on the open backend, with their f64 references. */
export async function compareProducts(): Promise<void> {
  for (const sizes of SIZES) {
    for (const orientation of ["in-out", "out-in"] satisfies Orientation[]) {
      await compareProduct(sizes, orientation);
    }
  }
}

async function compareProduct(
  { R, I, O }: (typeof SIZES)[number],
  orientation: Orientation,
): Promise<void> {
  const random = (name: string, size: number) => rounded(randomValues(name, size));
  const [x, dy] = [random("x", R * I), random("dy", R * O)];
  const [weight, bias] = [random("weight", I * O), random("bias", O)]; // weight [I, O]
  const stored = orientation === "in-out" ? weight : matrix.transposed(weight, I, O);
  const on = {
    x: upload(x, [R, I]),
    dy: upload(dy, [R, O]),
    weight: upload(stored, orientation === "in-out" ? [I, O] : [O, I]),
    bias: upload(bias, [O]),
  };
  const size = { inputs: I, outputs: O };
  const [y, biased] = [null, bias].map((added) => matrix.referenceLinear(x, weight, added, size));
  const dx = matrix.referenceLinearInputGradient(dy, weight, size);
  const positive = (values: Float64Array) => values.map((value) => Math.max(0, value));
  const plain = { orientation, relu: false };
  const rectified = { orientation, relu: true };
  const cases: Record<string, [Tensor, Float64Array]> = {
    y: [linear(on.x, on.weight, null, plain), y!],
    "y, ReLU": [linear(on.x, on.weight, null, rectified), positive(y!)],
    "y, bias": [linear(on.x, on.weight, on.bias, plain), biased!],
    "y, bias and ReLU": [linear(on.x, on.weight, on.bias, rectified), positive(biased!)],
    "y, residual": [
      linearWithResidual(on.dy, on.x, on.weight, on.bias, { orientation }),
      sum(dy, biased!),
    ],
    dx: [linearInputGradient(on.dy, on.weight, null, { orientation }), dx],
    "dx, gate": [
      linearInputGradient(on.dy, on.weight, on.x, { orientation }),
      dx.map((value, p) => (x[p]! > 0 ? value : 0)),
    ],
  };
  for (const [name, [actual, expected]] of Object.entries(cases)) {
    expectClose(`${R} × ${I} × ${O} ${orientation}, ${name}`, await actual.data(), expected, F32);
    actual.dispose();
  }
  dispose(on);
}

function upload(values: Float64Array, shape: number[]): Tensor {
  return tensor(Float32Array.from(values), shape);
}
