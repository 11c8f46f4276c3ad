import fc from "fast-check";
import { expect, test } from "vitest";
import { cohortIn, inputOn, maskIn } from "../../tests/fixtures/merge-cohorts.ts";
import { FISHER_VALUES } from "../patch/fisher-weights.ts";
import { mergeRule } from "../protocol/schemas/recipe.ts";
import { decodeHalf } from "../tensors/half.ts";
import type { MergeInput } from "./patch-sum.ts";
import { denominatorOf, mergeRules } from "./rules.ts";

const SIZE = 10_000; // more than two windows
const RULES = mergeRule.options;

const cohorts = cohortIn(SIZE);
const base = Float32Array.from({ length: SIZE }, (_, i) => Math.fround(i / 1000 - 5));

/** multiplier·scale·code of every patch at a position, and its Fisher weight there. */
type Terms = { readonly terms: number[]; readonly weights: number[] };

/** All terms by position, without blocks or windows. */
function termsByPosition(inputs: readonly MergeInput[]): Map<number, Terms> {
  const all = new Map<number, Terms>();
  for (const { positions, codes, scales, multiplier, fisher } of inputs) {
    const own = Array.from(codes, (_, i) => (fisher === null ? 1 : FISHER_VALUES[fisher[i]!]!));
    const meanWeight = mean(own);
    positions.forEach((position, i) => {
      const { terms, weights } = all.get(position) ?? { terms: [], weights: [] };
      terms.push(multiplier * decodeHalf(scales[i >> 6]!) * codes[i]!);
      weights.push(meanWeight === 0 ? 0 : own[i]! / meanWeight);
      all.set(position, { terms, weights });
    });
  }
  return all;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]) => (values.length === 0 ? 0 : sum(values) / values.length);
const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b);

const FEW_BITS = 2 ** -21; // the last two of an f32

/** What each rule makes of the terms at one position, in the words of its paper. */
type Meaning = (terms: readonly number[], weights: readonly number[]) => number;
const meaning: Record<(typeof RULES)[number], Meaning> = {
  mean: (terms) => mean(terms),
  fisher: (terms, weights) =>
    sum(weights) === 0
      ? mean(terms)
      : sum(terms.map((term, i) => term * weights[i]!)) / sum(weights),
  "disjoint-mean": (terms) => mean(terms.filter((term) => term !== 0)),
  ties: (terms) => mean(terms.filter((term) => Math.sign(term) * Math.sign(sum(terms)) > 0)),
  "trimmed-mean": (terms) => {
    const trimmed = Math.floor(terms.length / 4);
    return mean(ascending(terms).slice(trimmed, terms.length - trimmed));
  },
  median: (terms) => {
    const half = terms.length / 2;
    return mean(ascending(terms).slice(Math.ceil(half) - 1, Math.floor(half) + 1));
  },
};

for (const rule of RULES) {
  test(`G11–G15: ${rule} does at every covered position what its definition says`, () => {
    fc.assert(
      fc.property(cohorts, (inputs) => {
        const { positions, values } = mergeRules[rule]({ base, inputs, outerStep: 1.5 });
        const all = termsByPosition(inputs);
        expect([...positions]).toEqual(ascending([...all.keys()]));
        positions.forEach((position, i) => {
          const { terms, weights } = all.get(position)!;
          const combined = meaning[rule](terms, weights);
          const expected = Math.fround(base[position]! + 1.5 * (combined / 4096));
          // "÷ n ÷ 4096" and "÷ 4096n" differ in the last bit, and f32 weights as much of what they weigh
          const steps = terms.map((term) => Math.abs(1.5 * (term / 4096)));
          const largest = Math.max(1, Math.abs(expected), ...steps);
          expect(Math.abs(values[i]! - expected)).toBeLessThan(FEW_BITS * largest);
        });
      }),
    );
  });

  test(`G2: ${rule} gives the same bits in any order of the patches`, () => {
    const shuffled = cohorts.chain((inputs) =>
      fc.record({
        inputs: fc.constant(inputs),
        other: fc.shuffledSubarray(inputs, { minLength: inputs.length, maxLength: inputs.length }),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ inputs, other }) => {
        const one = mergeRules[rule]({ base, inputs, outerStep: 0.7 });
        const two = mergeRules[rule]({ base, inputs: other, outerStep: 0.7 });
        expect(two.positions).toEqual(one.positions);
        expect(new Uint32Array(two.values.slice().buffer)).toEqual(
          new Uint32Array(one.values.slice().buffer),
        );
      }),
    );
  });

  test(`G3: ${rule} of one patch alone with full multiplier is base plus itself`, () => {
    fc.assert(
      fc.property(
        maskIn(SIZE).chain((mask) => inputOn(mask)),
        (patch) => {
          const inputs = [{ ...patch, multiplier: 4096 }];
          const { positions, values } = mergeRules[rule]({ base, inputs, outerStep: 1 });
          positions.forEach((position, i) => {
            const value = decodeHalf(patch.scales[i >> 6]!) * patch.codes[i]!;
            expect(values[i]).toBe(Math.fround(base[position]! + value));
          });
        },
      ),
    );
  });
}

const oneValue = (code: number, scale: number): MergeInput => ({
  positions: Uint32Array.of(0),
  codes: Int8Array.of(code),
  scales: Uint16Array.of(scale),
  segments: Uint32Array.of(0),
  multiplier: 4096,
  fisher: null,
});

for (const [rule, liars] of [
  ["trimmed-mean", 2],
  ["median", 4],
] as const) {
  test(`G13, G14: ${liars} liars of 9 cannot move the ${rule} past the honest values`, () => {
    const honest = fc.array(fc.integer({ min: -7, max: 7 }), {
      minLength: 9 - liars,
      maxLength: 9 - liars,
    });
    fc.assert(
      fc.property(honest, fc.constantFrom(-7, 7), (codes, lie) => {
        const inputs = [
          ...codes.map((code) => oneValue(code, 0x1000)),
          ...Array.from({ length: liars }, () => oneValue(lie, 0x3c00)),
        ];
        const { values } = mergeRules[rule]({ base: new Float32Array(1), inputs, outerStep: 1 });
        const scale = decodeHalf(0x1000);
        expect(values[0]).toBeLessThanOrEqual(Math.max(...codes) * scale);
        expect(values[0]).toBeGreaterThanOrEqual(Math.min(...codes) * scale);
      }),
    );
  });
}

for (const rule of ["mean", "disjoint-mean", "ties"] as const) {
  test(`G2, G11, G12: under ${rule} a liar moves what others cover by no more than its own term's share`, () => {
    const honest = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(honest, fc.integer({ min: -7, max: 7 }), (codes, lie) => {
        const inputs = [...codes, lie].map((code) => oneValue(code, 0x1000));
        const { values } = mergeRules[rule]({ base: new Float32Array(1), inputs, outerStep: 1 });
        const scale = decodeHalf(0x1000);
        const without = codes.reduce((sum, code) => sum + code, 0) / codes.length;
        const share = (Math.abs(without) + Math.abs(lie)) / (codes.length + 1);
        // ties leaves the liar out, or goes with it where its term outweighs all others together
        const isOutvoted = rule === "ties" && -lie > without * codes.length;
        const most = isOutvoted ? Math.abs(lie) + without : share;
        expect(Math.abs(values[0]! / scale - without)).toBeLessThanOrEqual(most + 1e-6);
      }),
    );
  });
}

test("G2, G13, G14: on a mask that nobody shares a liar's term is merged whole, whatever the rule: the clip bounds it", () => {
  for (const rule of ["mean", "disjoint-mean", "ties", "trimmed-mean", "median"] as const) {
    const apart = { ...oneValue(7, 0x3c00), positions: Uint32Array.of(1) };
    const inputs = [oneValue(1, 0x1000), oneValue(2, 0x1000), apart];
    const { values } = mergeRules[rule]({ base: new Float32Array(2), inputs, outerStep: 1 });
    expect(values[1]).toBe(7);
  }
});

test("G12: ties follows the larger mass, not the larger number", () => {
  const inputs = [oneValue(1, 0x3c00), oneValue(1, 0x3c00), oneValue(-7, 0x3c00)];
  const merge = { base: new Float32Array(1), inputs, outerStep: 1 };
  expect(mergeRules.ties(merge).values[0]).toBe(-7);
  expect(mergeRules.median(merge).values[0]).toBe(1);
});

test("G11, G15: only mean divides by everything that covers a position, and fisher by weights", () => {
  expect(RULES.filter((rule) => denominatorOf(rule) === "4096*fisher")).toEqual(["fisher"]);
  expect(RULES.filter((rule) => denominatorOf(rule) === "4096*coverage")).toEqual(["mean"]);
});
