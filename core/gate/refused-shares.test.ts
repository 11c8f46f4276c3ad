import { expect, test } from "vitest";
import { type MadeWork, refusedShares } from "./refused-shares.ts";

const work = (by: string, refused: number, arrived: number): MadeWork[] =>
  Array.from({ length: arrived }, (_, i) => ({ id: `${by} ${i}`, by, isRefused: i < refused }));

test("H47: a device of which more is refused than of the others stands first, with standard errors and its newest refused work", () => {
  const [worst, next, ...others] = refusedShares([
    ...work("good", 4, 200),
    ...work("wrong", 18, 20),
    ...work("spotless", 0, 50),
  ]);
  expect(worst).toMatchObject({ name: "wrong", refused: 18, arrived: 20 });
  // 18 of 20 against 4 of 250: 0.884 / √(22/270 · 248/270 · (1/20 + 1/250))
  expect(worst?.sigma).toBeCloseTo(13.91, 2);
  expect(worst?.contributions).toEqual([0, 1, 2, 3, 4].map((i) => `wrong ${i}`));
  expect(next).toMatchObject({ name: "good", refused: 4 });
  expect(next?.sigma).toBeLessThan(0);
  expect(others).toEqual([]);
});

test("H47: with one device alone, or with nothing but refusals, nobody is conspicuous", () => {
  expect(refusedShares(work("only", 3, 5))).toMatchObject([{ name: "only", sigma: 0 }]);
  const all = refusedShares([...work("a", 3, 3), ...work("b", 2, 2)]);
  expect(all.map(({ sigma }) => sigma)).toEqual([0, 0]);
  expect(refusedShares([])).toEqual([]);
});

test("H47: however many names senders make up, twenty are told", () => {
  const names = Array.from({ length: 100 }, (_, i) => work(`made up ${i}`, 1, 1)).flat();
  expect(refusedShares(names)).toHaveLength(20);
});
