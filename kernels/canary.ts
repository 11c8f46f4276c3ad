import { dispose, tensor } from "@tensorflow/tfjs-core";
import { linear } from "../core/models/operations.ts";
import { createRandom } from "../core/random.ts";

/** A device computed something else than it was asked to: nothing that it computed since its last right answer can be trusted. */
export class DeviceWrongError extends Error {
  override readonly name = "DeviceWrongError";
}

/** A product whose right answer is known: y [rows, outputs] = x [rows, inputs] · weight. */
export type Canary = {
  /** Take the product on the open device. Throws a DeviceWrongError where a row of the answer is another than it must be. */
  check(): Promise<void>;
};

const ROWS = 64; // as many as a group of threads of a GPU computes at once
const MOST_ENTRIES = 1 << 22; // 16 MB in f32: GPT-2 small's largest matrix beside its embedding has 2.4 million
const SMALLEST = { inputs: 64, outputs: 64 }; // of a model without a matrix

/** Sizes of the largest matrix of these shapes that is quickly computed: [outputs, inputs]. */
export function canarySizes(shapes: Iterable<{ readonly shape: readonly number[] }>): {
  readonly inputs: number;
  readonly outputs: number;
} {
  let best = SMALLEST;
  let most = 0;
  for (const { shape } of shapes) {
    const [outputs = 0, inputs = 0] = shape;
    const entries = outputs * inputs;
    if (shape.length !== 2 || entries <= most || entries > MOST_ENTRIES) continue;
    most = entries;
    best = { inputs, outputs };
  }
  return best;
}

/**
 * All numbers are whole and so small that f32 adds them without rounding, in whatever order: any right device gives the
 * same bits. Instead of the product a row's sum is compared, each value multiplied by a weight of its own that is not 0
 * (Freivalds 1979): one wrong value is always found, and the host computes a thousandth.
 */
export function createCanary(
  { inputs, outputs }: { readonly inputs: number; readonly outputs: number },
  seed: number,
): Canary {
  const random = createRandom(`canary ${seed}`);
  const small = (length: number) => Float32Array.from({ length }, () => random.below(5) - 2);
  const x = small(ROWS * inputs);
  const weight = small(outputs * inputs);
  const factors = Float64Array.from({ length: outputs }, () => 1 + random.below(1000));
  const combined = new Float64Array(inputs); // factors · weight
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) combined[i]! += factors[o]! * weight[o * inputs + i]!;
  }
  const wanted = sumsOf(x, combined);

  return {
    async check() {
      const given = [tensor(x, [ROWS, inputs]), tensor(weight, [outputs, inputs])] as const;
      const product = linear(...given, null, { orientation: "out-in", relu: false });
      try {
        const found = sumsOf(await product.data<"float32">(), factors);
        const row = found.findIndex((sum, at) => sum !== wanted[at]);
        if (row === -1) return;
        throw new DeviceWrongError(
          `row ${row} of a product of ${inputs} by ${outputs} sums to ${found[row]}, not ${wanted[row]}`,
        );
      } finally {
        dispose([...given, product]);
      }
    },
  };
}

/** Each row of `values` [ROWS, n] times `factors` [n]: whole numbers that f64 adds exactly. */
function sumsOf(values: Float32Array, factors: Float64Array): Float64Array {
  const n = factors.length;
  return Float64Array.from({ length: ROWS }, (_, row) => {
    let sum = 0;
    for (let at = 0; at < n; at++) sum += values[row * n + at]! * factors[at]!;
    return sum;
  });
}
