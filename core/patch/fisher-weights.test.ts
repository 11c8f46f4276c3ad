import fc from "fast-check";
import { expect, test } from "vitest";
import { FormatError } from "../errors.ts";
import { encodeFisherWeights, FISHER_VALUES } from "./fisher-weights.ts";

const weights = fc.float({ min: 0, noNaN: true, noDefaultInfinity: true });
const fisher = fc
  .array(weights, { minLength: 1, maxLength: 60 })
  .map((values) => Float32Array.from(values));

// From tests/golden/formats.py, a second implementation.
test("P7: codes stand for the golden values", () => {
  const codes = [0, 1, 7, 8, 15, 16, 17, 128, 254, 255];
  expect(codes.map((code) => FISHER_VALUES[code])).toEqual([
    0, 1, 7, 8, 15, 16, 18, 262144, 15032385536, 16106127360,
  ]);
});

test("P7: values ascend strictly and are whole numbers, a step at most an eighth above 8", () => {
  for (let code = 1; code < 256; code++) {
    const [before, value] = [FISHER_VALUES[code - 1]!, FISHER_VALUES[code]!];
    expect(Number.isSafeInteger(value)).toBe(true);
    expect(value).toBeGreaterThan(before);
    if (before >= 8) expect(value / before).toBeLessThanOrEqual(1.125);
  }
});

test("P7: the largest weight gets the largest code, and no code is nearer than the one chosen", () => {
  fc.assert(
    fc.property(fisher, (values) => {
      const largest = Math.max(...values);
      const codes = encodeFisherWeights(values);
      if (largest === 0) {
        expect([...codes]).toEqual([...values].map(() => 0));
        return;
      }
      expect(codes[values.indexOf(largest)]).toBe(255);
      values.forEach((value, i) => {
        const scaled = (value / largest) * FISHER_VALUES[255]!;
        const error = Math.abs(FISHER_VALUES[codes[i]!]! - scaled);
        expect(FISHER_VALUES.every((other) => Math.abs(other - scaled) >= error)).toBe(true);
        if (scaled >= 8) expect(error / scaled).toBeLessThanOrEqual(1 / 17);
      });
    }),
  );
});

test("P7: what a code stands for is encoded as that code", () => {
  const values = Float32Array.from(FISHER_VALUES);
  expect([...encodeFisherWeights(values)]).toEqual(Array.from({ length: 256 }, (_, code) => code));
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, -1e-9])("P7: a weight of %s is refused", (bad) => {
  expect(() => encodeFisherWeights(Float32Array.of(1, bad))).toThrow(FormatError);
  expect(() => encodeFisherWeights(Float32Array.of(1, bad))).toThrow("fisher: value 1 is");
});
