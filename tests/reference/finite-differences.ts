import { expect } from "vitest";
import { createRandom } from "../../core/random.ts";

/** `size` values spread evenly over −scale … scale, the same for the same seed. */
export function randomValues(seed: string, size: number, scale = 1): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from({ length: size }, () => scale * (random.uint32() / 2 ** 31 - 1));
}

/** `size` integers below `bound`. */
export function randomTokens(seed: string, size: number, bound: number): Int32Array {
  const random = createRandom(seed);
  return Int32Array.from({ length: size }, () => random.below(bound));
}

const STEP = 5e-4; // the error of the formula is about STEP⁴ + 1e-16 / STEP

/** The gradient of `f` by four-point central differences at `x` [n] → [n]; `x` is left as it was. */
export function differences(x: Float64Array, f: () => number): Float64Array {
  return x.map((value, p) => {
    const at = (steps: number) => {
      x[p] = value + steps * STEP;
      return f();
    };
    const slope = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * STEP);
    x[p] = value;
    return slope;
  });
}

/** Every value within `tolerance` × the largest expected value (of 0.01 when all are smaller). */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance = 1e-8,
): void {
  expect(actual.length, what).toBe(expected.length);
  let scale = 0.01; // below this, errors count as they are
  let worst = 0;
  for (let p = 0; p < expected.length; p++) {
    scale = Math.max(scale, Math.abs(expected[p]!));
    worst = Math.max(worst, Math.abs(actual[p]! - expected[p]!));
    if (Number.isNaN(actual[p]!)) worst = Number.POSITIVE_INFINITY;
  }
  expect(worst / scale, `${what}: worst error relative to the largest value`).toBeLessThan(
    tolerance,
  );
}

/** Σ a·b: turns a tensor into one number whose gradient is `b`. */
export function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((total, value, p) => total + value * b[p]!, 0);
}
