import { expect, test } from "vitest";
import { toyDelta } from "../../tests/fixtures/toy-judge.ts";
import { compareTrainings, isSameWork } from "./spot-check.ts";

const delta = toyDelta(0.1, "delta");
const times = (factor: number) => delta.map((value) => factor * value);

test("G19: the same work passes, also after rounding as another device rounds", () => {
  expect(isSameWork(compareTrainings(delta, delta))).toBe(true);
  const rounded = delta.map((value) => Math.round(value * 500) / 500);
  expect(isSameWork(compareTrainings(rounded, delta))).toBe(true);
});

test("G19: a delta that is rescaled, turned or made up does not", () => {
  expect(isSameWork(compareTrainings(times(1.1), delta))).toBe(false);
  expect(isSameWork(compareTrainings(times(0.9), delta))).toBe(false);
  expect(isSameWork(compareTrainings(times(-1), delta))).toBe(false);
  expect(isSameWork(compareTrainings(toyDelta(0, "noise", 0.15), delta))).toBe(false);
  expect(isSameWork(compareTrainings(times(0), delta))).toBe(false);
});
