import fc from "fast-check";
import { expect, test } from "vitest";
import { meanCoverage } from "./coverage.ts";

const SIZE = 100;
const mask = fc
  .uniqueArray(fc.integer({ min: 0, max: SIZE - 1 }), { minLength: 1, maxLength: 30 })
  .map((positions) => Uint32Array.from(positions.sort((a, b) => a - b)));

test("G10: patches on one mask cover each of its positions, as one array or as equal ones", () => {
  fc.assert(
    fc.property(mask, fc.integer({ min: 1, max: 9 }), (positions, count) => {
      const shared = Array.from({ length: count }, () => ({ positions }));
      expect(meanCoverage(shared)).toBe(count);
      const equal = shared.map(() => ({ positions: positions.slice() }));
      expect(meanCoverage(equal)).toBe(count);
    }),
  );
});

test("G10: coverage is the mean over the union, counted position by position", () => {
  fc.assert(
    fc.property(fc.array(mask, { minLength: 1, maxLength: 6 }), (masks) => {
      const counts = Array.from(
        { length: SIZE },
        (_, position) => masks.filter((positions) => positions.includes(position)).length,
      ).filter((count) => count > 0);
      const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
      const patches = masks.map((positions) => ({ positions }));
      expect(meanCoverage(patches)).toBeCloseTo(mean, 12);
    }),
  );
});

test("G10: no patches cover nothing, masks apart cover each position once", () => {
  expect(meanCoverage([])).toBe(0);
  const apart = [[1, 2], [3], [40, 99]].map((positions) => ({
    positions: Uint32Array.from(positions),
  }));
  expect(meanCoverage(apart)).toBe(1);
});
