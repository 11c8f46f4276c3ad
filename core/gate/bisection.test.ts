import fc from "fast-check";
import { expect, test } from "vitest";
import { bisect } from "./bisection.ts";

const items = (length: number) => Array.from({ length }, (_, i) => i);

test("G10: a good cohort passes whole with one evaluation at half of alpha", async () => {
  const alphas: number[] = [];
  const result = await bisect(items(10), 0.04, async (_cohort, alpha) => {
    alphas.push(alpha);
    return "pass";
  });
  expect(result).toEqual({ passed: items(10), bad: [], left: [], evaluations: 1 });
  expect(alphas).toEqual([0.02]);
});

test("G10: planted bad items are named, and everything else passes together", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc
        .integer({ min: 1, max: 40 })
        .chain((length) => fc.subarray(items(length)).map((bad) => ({ length, bad }))),
      async ({ length, bad }) => {
        const alphas: number[] = [];
        const result = await bisect(items(length), 0.05, async (cohort, alpha) => {
          alphas.push(alpha);
          return cohort.some((item) => bad.includes(item)) ? "fail" : "pass";
        });
        expect(result.bad).toEqual(bad);
        expect(result.passed).toEqual(items(length).filter((item) => !bad.includes(item)));
        expect(result.left).toEqual([]);
        expect(result.evaluations).toBe(alphas.length);
        expect(result.evaluations).toBeLessThanOrEqual(2 * length);
        expect(alphas.reduce((sum, alpha) => sum + alpha, 0)).toBeLessThan(0.05);
      },
    ),
  );
});

test("G10: one bad item among 32 costs about 2 · log2 evaluations, not 32", async () => {
  const result = await bisect(items(32), 0.05, async (cohort) =>
    cohort.includes(21) ? "fail" : "pass",
  );
  expect(result.bad).toEqual([21]);
  expect(result.passed).toHaveLength(31);
  expect(result.evaluations).toBe(12);
});

test("G10: items that fail only together are not called bad; the largest part that passed is kept", async () => {
  const result = await bisect(items(8), 0.05, async (cohort) =>
    cohort.includes(1) && cohort.includes(6) ? "fail" : "pass",
  );
  expect(result.bad).toEqual([]);
  expect(result.passed).toEqual([0, 1, 2, 3]);
  expect(result.left).toEqual([4, 5, 6, 7]);
});

test("G10: a cohort in which everything is bad leaves nothing to publish", async () => {
  const result = await bisect(items(5), 0.05, async () => "fail");
  expect(result.passed).toEqual([]);
  expect(result.bad).toEqual(items(5));
});

test("G10: an item that is undecided alone is neither refused nor merged", async () => {
  const result = await bisect(items(4), 0.05, async (cohort) =>
    cohort.includes(2) ? "undecided" : "pass",
  );
  expect(result).toEqual({ passed: [0, 1, 3], bad: [], left: [2], evaluations: 6 });
});

test("G10: nothing is tested twice: at a smaller alpha it would not pass either", async () => {
  const tested: string[] = [];
  const result = await bisect(items(8), 0.05, async (cohort) => {
    tested.push(cohort.join());
    return cohort.length === 8 ? "undecided" : "pass"; // each half passes, the whole does not
  });
  expect(tested).toEqual(["0,1,2,3,4,5,6,7", "0,1,2,3", "4,5,6,7"]);
  expect(result.passed).toEqual([0, 1, 2, 3]);
});

test("G10: a cohort of which no part will pass is not halved, and nobody is refused for it", async () => {
  const result = await bisect(items(8), 0.05, async () => "hopeless");
  expect(result).toEqual({ passed: [], bad: [], left: items(8), evaluations: 1 });
});
