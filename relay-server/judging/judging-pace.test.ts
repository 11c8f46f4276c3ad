import { expect, test } from "vitest";
import { createJudgingPace } from "./judging-pace.ts";

test("before anything was judged the pace is a guess, and says so", () => {
  const pace = createJudgingPace();
  expect(pace.measured("tiny")).toBeNull();
  expect(pace.seconds("tiny")).toBe(0.5);
});

test("a contribution costs its own judging and its share of the cohort's; each model has its own pace", () => {
  const pace = createJudgingPace();
  pace.note("tiny", "cohort", 0.25);
  expect(pace.measured("tiny")).toBeNull();
  pace.note("tiny", "alone", 1);
  expect(pace.seconds("tiny")).toBe(1.25);
  expect(pace.measured("other")).toBeNull();
});

test("one slow contribution moves the mean a little, many of them all the way", () => {
  const pace = createJudgingPace();
  pace.note("tiny", "alone", 1);
  pace.note("tiny", "alone", 17);
  expect(pace.seconds("tiny")).toBe(2);
  for (let i = 0; i < 200; i++) pace.note("tiny", "alone", 17);
  expect(pace.seconds("tiny")).toBeCloseTo(17, 3);
});
