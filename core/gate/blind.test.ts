import fc from "fast-check";
import { expect, test } from "vitest";
import { blindLevel } from "./blind.ts";

const weightOf = (values: Iterable<number>) => {
  let sum = 0;
  for (const value of values) sum += Math.sqrt(value);
  return sum;
};

test("G23: what lies up to the level has at most a thousandth of the weight, and hardly less where values are dense", () => {
  const information = fc
    .array(fc.float({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 500 })
    .map((values) => Float32Array.from(values));
  fc.assert(
    fc.property(information, (values) => {
      const level = blindLevel(values);
      const blind = values.filter((value) => value <= level);
      expect(weightOf(blind)).toBeLessThanOrEqual(weightOf(values) / 1000 + 1e-9);
    }),
  );
  const dense = Float32Array.from({ length: 100_000 }, (_, i) => i ** 2); // weights 0, 1, 2, …: 3.2% have a thousandth
  const level = blindLevel(dense);
  const share = dense.filter((value) => value <= level).length / dense.length;
  expect(share).toBeGreaterThan(0.028);
  expect(share).toBeLessThan(0.032);
});

test("G23: zeros are always below it, and where nothing else is known, everything is", () => {
  expect(blindLevel(Float32Array.of(0, 0, 5))).toBeGreaterThanOrEqual(0);
  expect(blindLevel(Float32Array.of(0, 0, 5))).toBeLessThan(5);
  expect(blindLevel(Float32Array.of(3, 5))).toBeLessThan(3);
});

test("G23: a training that diverged marks nothing", () => {
  for (const broken of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const level = blindLevel(Float32Array.of(1, broken, 2));
    expect([1, broken, 2].filter((value) => value <= level)).toEqual([]);
  }
});
