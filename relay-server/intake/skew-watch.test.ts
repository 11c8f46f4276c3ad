import { expect, test } from "vitest";
import { createSkewWatch } from "./skew-watch.ts";

const DAY_MS = 24 * 3600_000;

test("H24: the relay's clock is named as wrong when nearly everybody is off it the same way", () => {
  const watch = createSkewWatch(300_000);
  watch.note("a", -DAY_MS);
  watch.note("b", -DAY_MS);
  watch.note("b", -DAY_MS);
  expect(watch.problem()).toBeNull(); // two people
  watch.note("c", -DAY_MS - 5000);
  expect(watch.problem()).toMatch(/wrong: it is 1440 minutes ahead of nearly everybody's/);
  for (const contributor of ["d", "e", "f"]) watch.note(contributor, 100);
  expect(watch.problem()).toBeNull();
});

test("H24: people whose clocks are off in both directions do not make the relay's wrong", () => {
  const watch = createSkewWatch(300_000);
  for (const [i, skew] of [-DAY_MS, DAY_MS, -DAY_MS, DAY_MS].entries()) watch.note(String(i), skew);
  expect(watch.problem()).toBeNull();
  for (let i = 0; i < 64; i++) watch.note(`later ${i}`, DAY_MS);
  expect(watch.problem()).toMatch(/1440 minutes behind nearly/);
});
