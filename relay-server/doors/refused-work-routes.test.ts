import { expect, test } from "vitest";
import { groupRefusals } from "./refused-work-routes.ts";

test("refusals are told by contributor and reason, most first, with the newest pieces behind them", () => {
  const row = (n: number, contributor: string, code: string) => ({
    id: String(n),
    contributor,
    code,
    at: 100 - n,
  });
  const poisoner = [1, 2, 3, 4, 5, 6].map((n) => row(n, "b", "harmful"));
  const groups = groupRefusals([row(0, "a", "stale"), ...poisoner, row(7, "b", "unrelated")]);
  expect(groups.map(({ contributor, code, count }) => [contributor, code, count])).toEqual([
    ["b", "harmful", 6],
    ["a", "stale", 1],
    ["b", "unrelated", 1],
  ]);
  expect(groups[0]).toMatchObject({ lastAt: 99, contributions: ["1", "2", "3", "4", "5"] });
});
