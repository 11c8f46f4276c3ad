import { expect, test } from "vitest";
import { restsUntil } from "./resting.ts";

const MINUTE_MS = 60_000;

test("H27: a model rests after a full cohort of work that came to nothing, and not before", () => {
  expect(restsUntil({ count: 9, lastAt: 1000 }, 10)).toBeNull();
  expect(restsUntil({ count: 10, lastAt: 1000 }, 10)).toBe(1000 + MINUTE_MS);
  expect(restsUntil({ count: 0, lastAt: 0 }, 1)).toBeNull();
});

test("H27: it rests twice as long after each further cohort, and never for more than an hour", () => {
  const minutes = (count: number) => restsUntil({ count, lastAt: 0 }, 10)! / MINUTE_MS;
  expect([10, 19, 20, 30, 40].map(minutes)).toEqual([1, 1, 2, 4, 8]);
  expect([60, 70, 80, 1e9].map(minutes)).toEqual([32, 60, 60, 60]);
});
