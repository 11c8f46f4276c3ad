import { expect, test } from "vitest";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { SuiteTest } from "../protocol/schemas/version.ts";
import { allowedNats } from "./allowed-nats.ts";

const found: SuiteTest = {
  suite: "gate",
  against: "parent",
  version: 1,
  decision: "pass",
  examples: 10,
  meanDifferenceNats: 0,
  logEvidence: 4,
  passAt: 3,
};
const gate = { marginNats: 0.01, protected: { marginNats: 0.02, releaseMarginNats: 0.03 } };
const recipe = { gate } as Recipe;

test("a test's bound is the record's own, or else the recipe's for that suite", () => {
  const bound = (change: Partial<SuiteTest>) => allowedNats({ ...found, ...change }, recipe, []);
  expect(bound({ marginNats: 0.5 })).toBe(0.5);
  expect(bound({})).toBe(0.01);
  expect(bound({ suite: "protected" })).toBe(0.02);
  expect(bound({ suite: "protected", against: "release" })).toBe(0.03);
  expect(bound({ suite: "a-suite-that-is-gone" })).toBeNull();
});
