import { expect, test } from "vitest";
import { countNegativeFlips, withinFlipBudget } from "./negative-flips.ts";

test("G9: only what was right before and is wrong after counts", () => {
  const before = Uint8Array.of(1, 1, 0, 0, 1, 1);
  const after = Uint8Array.of(1, 0, 0, 1, 1, 1);
  expect(countNegativeFlips(before, after)).toEqual({ flips: 1, rightBefore: 4, share: 0.25 });
});

test("G9: the budget is a share of what was right, and reaching it is allowed", () => {
  const flips = countNegativeFlips(Uint8Array.of(1, 1, 1, 1, 0), Uint8Array.of(1, 1, 1, 0, 0));
  expect(withinFlipBudget(flips, 0.25)).toBe(true);
  expect(withinFlipBudget(flips, 0.24)).toBe(false);
});

test("G9: a model that had nothing right cannot lose anything", () => {
  const flips = countNegativeFlips(new Uint8Array(3), Uint8Array.of(0, 1, 0));
  expect(flips.share).toBe(0);
  expect(withinFlipBudget(flips, 0)).toBe(true);
});
