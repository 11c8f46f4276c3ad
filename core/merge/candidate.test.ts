import { expect, test } from "vitest";
import { toyMember, toyRecipe } from "../../tests/fixtures/toy-judge.ts";
import { mergeCandidate, mergeHere, weighCohort } from "./candidate.ts";

const SIZE = 64;
const K = 16; // positions of a mask
const values = Float32Array.from({ length: K }, (_, i) => (i % 2 === 0 ? 0.5 : -0.25));

/** `count` members with the same values: on one mask, or each on a mask of its own. */
function cohortOf(count: number, isOwn: boolean) {
  const shared = Uint32Array.from({ length: K }, (_, i) => i);
  return Array.from({ length: count }, (_, m) => ({
    ...toyMember(`${m}`, values),
    positions: isOwn ? shared.map((position) => m * K + position) : shared,
  }));
}

const rootMeanSquare = (own: ReadonlyMap<unknown, number>) =>
  Math.sqrt([...own.values()].reduce((sum, value) => sum + value * value, 0) / own.size);

test("G6: on one mask a cohort is averaged, on masks of their own it goes as far as √n of its patches", () => {
  const [alone] = weighCohort(cohortOf(1, true), [], toyRecipe).values();
  const together = weighCohort(cohortOf(4, false), [], toyRecipe);
  expect(new Set(together.values())).toEqual(new Set([alone]));
  const apart = weighCohort(cohortOf(4, true), [], toyRecipe);
  expect(rootMeanSquare(apart)).toBe(Math.floor(alone! / 2));
});

test("G10: a part moves the model as far as it does beside all the others, on one mask and on its own", async () => {
  const parameters = new Float32Array(SIZE);
  for (const isOwn of [false, true]) {
    const cohort = cohortOf(4, isOwn);
    const weights = weighCohort(cohort, [], toyRecipe);
    const merge = mergeHere(parameters, toyRecipe.merge);
    const whole = (await mergeCandidate(merge, cohort, weights)).step;
    const part = (await mergeCandidate(merge, cohort.slice(0, 1), weights)).step;
    const [at] = part.positions;
    const inWhole = whole.values[whole.positions.indexOf(at!)]!;
    const others = isOwn ? 0 : 3; // that move the same position as far
    expect(part.values[0]! * (1 + others)).toBeCloseTo(inWhole, 3);
  }
});
