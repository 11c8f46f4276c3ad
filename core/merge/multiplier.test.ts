import fc from "fast-check";
import { expect, test } from "vitest";
import {
  clipNorm,
  cohortMultipliers,
  multiplier,
  partMultipliers,
  type Standing,
} from "./multiplier.ts";

const rules = { clipNorm: 2, newcomerWeight: 0.5, fullExamples: 1000 };
const full: Standing = { norm: 1, merges: 10, lag: 0, examples: 1000 };

const standingArbitrary: fc.Arbitrary<Standing> = fc.record({
  norm: fc.double({ min: 0, max: 1e6, noNaN: true }),
  merges: fc.nat(30),
  lag: fc.nat(20),
  examples: fc.integer({ min: 1, max: 100_000 }),
});

test("G5: full, fresh, trusted work within the clip weighs 4096", () => {
  expect(multiplier(full, rules)).toBe(4096);
});

test("G5: each factor shortens the weight by itself", () => {
  expect(multiplier({ ...full, norm: 8 }, rules)).toBe(1024);
  expect(multiplier({ ...full, merges: 9 }, rules)).toBe(2048);
  expect(multiplier({ ...full, lag: 3 }, rules)).toBe(1024);
  expect(multiplier({ ...full, examples: 250 }, rules)).toBe(1024);
});

test("G5: more examples than a full piece do not weigh more", () => {
  expect(multiplier({ ...full, examples: 1_000_000 }, rules)).toBe(4096);
});

test("G5: without merged work to compare with, nothing is clipped", () => {
  expect(multiplier({ ...full, norm: 1e9 }, { ...rules, clipNorm: null })).toBe(4096);
});

test("G5: every multiplier is an integer from 0 to 4096, and a clipped delta is no longer than the clip", () => {
  fc.assert(
    fc.property(standingArbitrary, (standing) => {
      const weight = multiplier(standing, rules);
      expect(Number.isInteger(weight)).toBe(true);
      expect(weight).toBeGreaterThanOrEqual(0);
      expect(weight).toBeLessThanOrEqual(4096);
      expect((weight / 4096) * standing.norm).toBeLessThanOrEqual(rules.clipNorm * (1 + 1e-12));
    }),
  );
});

test("G6: newcomers are at most a quarter of a cohort in which anybody else has weight", () => {
  fc.assert(
    fc.property(fc.array(standingArbitrary, { minLength: 1, maxLength: 40 }), (cohort) => {
      const weights = cohortMultipliers(cohort, rules);
      const sum = (newcomers: boolean) =>
        weights.reduce((s, w, i) => s + (cohort[i]!.merges < 10 === newcomers ? w : 0), 0);
      if (sum(false) > 0) expect(3 * sum(true)).toBeLessThanOrEqual(sum(false));
      cohort.forEach((standing, i) => {
        expect(weights[i]).toBeLessThanOrEqual(multiplier(standing, rules));
        if (standing.merges >= 10) expect(weights[i]).toBe(multiplier(standing, rules));
      });
    }),
  );
});

test("G6: newcomers alone, or one lone newcomer, are merged with the newcomer's weight", () => {
  const newcomer = { ...full, merges: 0 };
  expect(cohortMultipliers([newcomer], rules)).toEqual([2048]);
  expect(cohortMultipliers([newcomer, newcomer, newcomer], rules)).toEqual([2048, 2048, 2048]);
});

test("G6: many newcomers beside one trusted contributor share a third of its weight", () => {
  const cohort = [full, ...Array.from({ length: 3 }, () => ({ ...full, merges: 2 }))];
  expect(cohortMultipliers(cohort, rules)).toEqual([4096, 455, 455, 455]);
});

test("G7: the clip is the factor times the median norm, and one huge norm does not move it", () => {
  expect(clipNorm([], 2)).toBe(null);
  expect(clipNorm([3], 2)).toBe(6);
  expect(clipNorm([1, 3], 2)).toBe(4);
  expect(clipNorm([1, 1e30, 3], 2)).toBe(6);
});

test("G10: a patch in a part of a cohort moves the model as far as in the whole", () => {
  expect(partMultipliers([4096, 2048], { part: 2, cohort: 2 })).toEqual([4096, 2048]);
  expect(partMultipliers([4096], { part: 1, cohort: 10 })).toEqual([409]); // ÷ 1 covering patch, as 4096 ÷ 10 in the whole
  expect(partMultipliers([4096, 1001, 0], { part: 3, cohort: 4 })).toEqual([3072, 750, 0]);
});
