import fc from "fast-check";
import { expect, test } from "vitest";
import { createLayout } from "../tensors/layout.ts";
import { dequantise, type Quantised, quantise, segmentStarts } from "./quantiser.ts";
import {
  comparePlaced,
  compareQuantised,
  compareValues,
  type PlacedValues,
  type Similarity,
} from "./similarity.ts";

const layout = createLayout([
  { name: "a", shape: [90] },
  { name: "b", shape: [410] },
]);

const positions = fc
  .uniqueArray(fc.nat(layout.size - 1), { minLength: 1, maxLength: 300 })
  .map((all) => Uint32Array.from(all).sort());
function valuesOn(mask: Uint32Array): fc.Arbitrary<PlacedValues> {
  const delta = fc.array(
    fc.oneof(fc.constant(0), fc.double({ min: -0.1, max: 0.1, noNaN: true })),
    {
      minLength: mask.length,
      maxLength: mask.length,
    },
  );
  const segments = segmentStarts(layout, mask);
  return delta.map((values) => {
    return { ...quantise(Float32Array.from(values), segments), positions: mask, segments };
  });
}
const onOneMask = positions.chain((mask) => fc.tuple(valuesOn(mask), valuesOn(mask)));
const onTwoMasks = fc.tuple(positions.chain(valuesOn), positions.chain(valuesOn));

/** The same from dense, dequantised vectors. */
function reference(a: PlacedValues, b: PlacedValues): Similarity {
  const dense = (placed: PlacedValues) => {
    const all = new Float64Array(layout.size);
    dequantise(placed, placed.segments).forEach((value, i) => {
      all[placed.positions[i]!] = value;
    });
    return all;
  };
  const [x, y] = [dense(a), dense(b)];
  const norms = [Math.hypot(...x), Math.hypot(...y)] as const;
  const dot = x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  if (norms[0] === 0 || norms[1] === 0) {
    return { cosine: 0, normRatio: norms[0] === norms[1] ? 1 : norms[0] / norms[1] };
  }
  return { cosine: dot / (norms[0] * norms[1]), normRatio: norms[0] / norms[1] };
}
function expectClose(found: Similarity, expected: Similarity): void {
  expect(found.cosine).toBeCloseTo(expected.cosine, 10);
  if (expected.normRatio === Number.POSITIVE_INFINITY) {
    expect(found.normRatio).toBe(expected.normRatio);
  } else {
    expect(found.normRatio / (expected.normRatio || 1)).toBeCloseTo(
      expected.normRatio === 0 ? 0 : 1,
      10,
    );
  }
}

const dequantised = (placed: PlacedValues) => dequantise(placed, placed.segments);

test("cosine and ratio of norms are those of the dequantised deltas, on one mask and on two", () => {
  fc.assert(
    fc.property(onOneMask, ([a, b]) => {
      expectClose(compareQuantised(a, b, a.segments), reference(a, b));
      expectClose(comparePlaced(a, b), reference(a, b));
      expectClose(compareValues(dequantised(a), dequantised(b)), reference(a, b));
    }),
  );
  fc.assert(fc.property(onTwoMasks, ([a, b]) => expectClose(comparePlaced(a, b), reference(a, b))));
});

const mask = Uint32Array.from({ length: 200 }, (_, i) => 2 * i);
const segments = segmentStarts(layout, mask);
const delta = Float32Array.from(mask, (position) => ((position * 7) % 31) / 1000 - 0.014);
const honest = quantise(delta, segments);
const halved = quantise(
  delta.map((value) => value / 2),
  segments,
);

test("a copy has cosine 1 and ratio 1, and half of the work rescaled shows in the ratio", () => {
  const copy = compareQuantised(honest, honest, segments);
  expect(copy.cosine).toBeCloseTo(1, 12);
  expect(copy.normRatio).toBe(1);
  const rescaled = compareQuantised(honest, halved, segments);
  expect(rescaled.cosine).toBeGreaterThan(0.9999);
  expect(rescaled.normRatio).toBeCloseTo(2, 2);
});

test("a copy with a little noise on it is still found, and its opposite is not a copy", () => {
  const noisy = delta.map((value, i) => value + (i % 2 === 0 ? 1 : -1) * 5e-4);
  expect(compareQuantised(honest, quantise(noisy, segments), segments).cosine).toBeGreaterThan(
    0.99,
  );
  const opposite: Quantised = { ...honest, codes: honest.codes.map((code) => -code) };
  expect(compareQuantised(honest, opposite, segments).cosine).toBeCloseTo(-1, 12);
});

test("masks without a common position are at a right angle", () => {
  const a = { ...honest, positions: mask, segments };
  const b = { ...honest, positions: mask.map((position) => position + 1), segments };
  expect(comparePlaced(a, b)).toEqual({ cosine: 0, normRatio: 1 });
});

test("a patch of zeros is like nothing", () => {
  const zeros = quantise(new Float32Array(mask.length), segments);
  expect(compareQuantised(honest, zeros, segments)).toEqual({
    cosine: 0,
    normRatio: Number.POSITIVE_INFINITY,
  });
  expect(compareQuantised(zeros, honest, segments)).toEqual({ cosine: 0, normRatio: 0 });
  expect(compareQuantised(zeros, zeros, segments)).toEqual({ cosine: 0, normRatio: 1 });
});

test("patches of two masks compared as if of one are our bug", () => {
  const shorter = quantise(delta.subarray(1), segmentStarts(layout, mask.subarray(1)));
  expect(() => compareQuantised(honest, shorter, segments)).toThrow("internal");
});
