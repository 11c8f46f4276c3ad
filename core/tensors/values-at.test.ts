import { expect, test } from "vitest";
import { everyPosition, valuesAt } from "./values-at.ts";

test("values are chosen by position, in the positions' order", () => {
  expect(valuesAt(Float32Array.of(4, 5, 6), Uint32Array.of(2, 0))).toEqual(Float32Array.of(6, 4));
});

test("every position of a model beyond what a plain array can collect", () => {
  const size = 113_000_000; // `Float32Array.from` with a function ends at 112,813,858
  const positions = everyPosition(size);
  expect([positions.length, positions[size - 1]]).toEqual([size, size - 1]);
});
