import { expect, test } from "vitest";
import { medianOf } from "./median.ts";

test("the middle one of an odd number, the mean of the middle two of an even one, null of none", () => {
  expect(medianOf([30, 1, 20])).toBe(20);
  expect(medianOf([30, 1, 20, 10])).toBe(15);
  expect(medianOf([7])).toBe(7);
  expect(medianOf([])).toBeNull();
});
