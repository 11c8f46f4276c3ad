import { expect, test } from "vitest";
import { cohortSizeFor } from "./cohort-size.ts";

test("G18: a cohort has the recipe's size, and half of the work in flight where that is more", () => {
  expect(cohortSizeFor(10, 0)).toBe(10);
  expect(cohortSizeFor(10, 20)).toBe(10);
  expect(cohortSizeFor(10, 21)).toBe(11);
  expect(cohortSizeFor(10, 1000)).toBe(500);
});
