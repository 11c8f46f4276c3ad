import { expect, test } from "vitest";
import { positionEntropy, topK } from "./top-k.ts";

test("the largest of every chunk are kept, with their signs and at two magnitudes", () => {
  const dense = new Float32Array(8192);
  [5, 4097, 9, 4099].forEach((position, i) => {
    dense[position] = [4, -3, -2, 1][i]!;
  });
  const sent = topK(dense, 2 / 4096, 2);
  expect([...sent.positions]).toEqual([5, 9, 4097, 4099]);
  expect([...sent.values]).toEqual([4, -2, -3, 1]);
});

test("four bits err by half a step of a seventh of the largest", () => {
  const dense = Float32Array.from({ length: 100 }, (_, i) => Math.sin(i));
  const { positions, values } = topK(dense, 1, 4);
  for (const [i, position] of positions.entries()) {
    expect(Math.abs(values[i]! - dense[position]!)).toBeLessThanOrEqual(1 / 14 + 1e-6);
  }
});

test("the entropy of a position at 0.5% is 9.083 bits", () => {
  expect(positionEntropy(5, 1000)).toBeCloseTo(9.083, 3);
  expect(positionEntropy(7, 7)).toBe(0);
});
