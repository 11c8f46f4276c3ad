import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256 } from "../crypto/signature.ts";
import { FormatError } from "../errors.ts";
import { randomPositions } from "./random-mask.ts";

const SEED = "000102030405060708090a0b0c0d0e0f";

// From tests/golden/formats.py, a second implementation.
test("M1: a seed gives the golden positions, few, half and most of them", async () => {
  expect([...randomPositions(SEED, 8, 1000)]).toEqual([299, 313, 428, 511, 665, 676, 831, 912]);
  expect([...randomPositions(SEED, 5, 10)]).toEqual([1, 4, 5, 6, 7]);
  expect([...randomPositions(SEED, 7, 10)]).toEqual([0, 1, 2, 3, 5, 8, 9]);
  const positions = randomPositions(SEED, 6200, 1_240_000);
  expect(await sha256(new Uint8Array(positions.slice().buffer as ArrayBuffer))).toBe(
    "373fc49d1097cf4afb296b464e619d51e597b28fcfb0c21779d983510da36957",
  );
});

test("M1: exactly `count` distinct positions below `size`, ascending", () => {
  const cases = fc.integer({ min: 1, max: 3000 }).chain((size) => {
    return fc.record({ size: fc.constant(size), count: fc.integer({ min: 1, max: size }) });
  });
  fc.assert(
    fc.property(cases, fc.stringMatching(/^[0-9a-f]{32}$/), ({ size, count }, seed) => {
      const positions = randomPositions(seed, count, size);
      expect(positions.length).toBe(count);
      expect(positions.every((position, i) => i === 0 || position > positions[i - 1]!)).toBe(true);
      expect(positions.at(-1)!).toBeLessThan(size);
    }),
  );
});

test("M1: every position is as likely as any other", () => {
  const hits = new Float64Array(50);
  const masks = 4000;
  for (const count of [10, 40]) {
    hits.fill(0);
    for (let i = 0; i < masks; i++) {
      const seed = i.toString(16).padStart(32, "0");
      for (const position of randomPositions(seed, count, 50)) hits[position]! += 1;
    }
    const share = count / 50;
    const variance = masks * share * (1 - share);
    // Hits in one mask exclude each other, which shrinks the sum by (size − 1) / size.
    const chiSquare = hits.reduce((sum, hit) => sum + (hit - masks * share) ** 2 / variance, 0);
    expect(chiSquare * (49 / 50)).toBeLessThan(85); // 49 degrees of freedom: 0.1% are above
  }
});

test("M1: the mask of a model of 124 million parameters is derived whole", () => {
  const positions = randomPositions(SEED, 620_000, 124_000_000);
  expect(positions.length).toBe(620_000);
  expect([positions[0], positions.at(-1)]).toEqual([159, 123_999_892]);
});

test("M1: a broken seed or count is refused", () => {
  for (const seed of ["", SEED.toUpperCase(), `${SEED}00`, "g".repeat(32)]) {
    expect(() => randomPositions(seed, 1, 10)).toThrow("mask: seed is not 16 bytes of hex");
  }
  for (const count of [0, -1, 11, 1.5]) {
    expect(() => randomPositions(SEED, count, 10)).toThrow(FormatError);
  }
});
