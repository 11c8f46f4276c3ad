import { expect, test } from "vitest";
import { cohortSizeFor } from "./cohort-size.ts";

const sizeFor = (outstanding: number, waiting = 0) => cohortSizeFor(10, { outstanding, waiting });

test("G18: a cohort has the recipe's size, and half of the work in flight where that is more", () => {
  expect(sizeFor(0)).toBe(10);
  expect(sizeFor(20)).toBe(10);
  expect(sizeFor(21)).toBe(11);
  expect(sizeFor(1000)).toBe(500);
});

test("G18: what waits goes into one cohort, up to what a merge can take", () => {
  expect(sizeFor(0, 9)).toBe(10);
  expect(sizeFor(50, 20)).toBe(25);
  expect(sizeFor(0, 120)).toBe(120);
  expect(sizeFor(0, 20_000)).toBe(16_384);
});
