import { expect, test } from "vitest";
import {
  createToyJudge,
  TOY_SIZE,
  toyDelta,
  toyMember,
  toyRecipe,
} from "../../tests/fixtures/toy-judge.ts";
import { needsScore, scoreMember, screen, validateScore } from "./scoring.ts";

const { score } = toyRecipe; // leastZ 2, leastShare 0.5
const trusted = toyMember("trusted", toyDelta(0.1, "trusted"));
const newcomer = { ...trusted, merges: 9 };
const agreeing = (z: number, share: number | null = null, expectedZ: number | null = null) => ({
  ...{ cosine: 0.1, z, share, expectedZ },
  length: 1,
  blind: 0,
  mostBlind: 0.05,
});

test("G16: work that does not agree with the reference is refused as unrelated", () => {
  expect(screen(agreeing(1.99), score)).toMatchObject({ ok: false, code: "unrelated" });
  expect(screen(agreeing(2), score).ok).toBe(true);
  expect(screen(null, score).ok).toBe(true);
});

test("G16: so is work that agrees far less than the relay's own pieces do", () => {
  expect(screen(agreeing(20, 0.45), score)).toMatchObject({ ok: false, code: "unrelated" });
  expect(screen(agreeing(20, 0.46), score).ok).toBe(true);
  expect(screen(agreeing(1, 0.5), score)).toMatchObject({ ok: false, code: "unrelated" });
});

test("G16: so is work that is more than twice as long as the relay's own pieces", () => {
  const long = (length: number) => screen({ ...agreeing(20, 1), length }, score);
  expect(long(2).ok).toBe(true);
  expect(long(2.01)).toMatchObject({ ok: false, code: "norm-too-large" });
  expect(long(Number.NaN).ok).toBe(false);
});

test("G16: where little is known, a low share may be chance", () => {
  expect(screen(agreeing(5, 0.36), score).ok).toBe(true);
  expect(screen(agreeing(5, 0.35), score)).toMatchObject({ ok: false, code: "unrelated" });
});

test("G16: where the relay's own pieces hardly agree, only what goes clearly against them is refused", () => {
  const weak = (z: number, expectedZ: number) => screen(agreeing(z, 0.01, expectedZ), score).ok;
  expect([weak(7.9, 8), weak(8, 8)]).toEqual([false, false]); // 4 times the least z: a share says something
  expect([weak(0, 7.9), weak(-0.02, 7.9), weak(-0.03, 7.9)]).toEqual([true, true, false]);
  expect([weak(-1.5, 2), weak(-1.6, 2)]).toEqual([true, false]);
});

test("G16: a reference that goes nowhere has no verdict on work that goes nowhere", () => {
  for (const expectedZ of [0, -0.5]) {
    expect(screen(agreeing(0, null, expectedZ), score).ok).toBe(true);
    expect(screen(agreeing(-1.5, null, expectedZ), score).ok).toBe(true);
    expect(screen(agreeing(Number.NaN, null, expectedZ), score).ok).toBe(false);
  }
});

test("G23: work that puts its energy where the public data says nothing is refused, however well the rest agrees", () => {
  expect(screen({ ...agreeing(20, 1, 20), blind: 0.05 }, score).ok).toBe(true);
  expect(screen({ ...agreeing(20, 1, 20), blind: 0.051 }, score)).toMatchObject({
    code: "unrelated",
  });
  expect(screen({ ...agreeing(20, 1, 20), blind: Number.NaN }, score).ok).toBe(false);
});

test("G16: newcomers, borderline work, unscreened work and a sample are scored", () => {
  expect(needsScore(trusted, agreeing(4), score, 0.5)).toBe(false);
  expect(needsScore(newcomer, agreeing(4), score, 0.5)).toBe(true);
  expect(needsScore(trusted, agreeing(3.9), score, 0.5)).toBe(true);
  expect(needsScore(trusted, null, score, 0.5)).toBe(true);
  expect(needsScore(trusted, agreeing(4), { ...score, sampleShare: 0.6 }, 0.5)).toBe(true);
});

test("H14: a score is the rise of the held-out loss at a share of the step, on one slice a version", async () => {
  const head = { number: 4, parameters: new Float32Array(TOY_SIZE), recipe: toyRecipe };
  const judge = createToyJudge(head);
  const good = await scoreMember(judge, head, trusted);
  const bad = await scoreMember(judge, head, toyMember("bad", toyDelta(-0.1, "bad")));
  const late = await scoreMember(judge, head, { ...trusted, lag: 1 });
  const half = toyMember(
    "half",
    toyDelta(0.1, "trusted").map((value) => value / 2),
  );
  expect(late).toBeCloseTo(await scoreMember(judge, head, half), 6); // as it will count in the merge
  expect(good).toBeLessThan(late);
  expect(late).toBeLessThan(0);
  expect(validateScore(good, score).ok).toBe(true);
  expect(bad).toBeGreaterThan(0.02);
  expect(validateScore(bad, score)).toMatchObject({ ok: false, code: "harmful" });
  expect(validateScore(Number.NaN, score).ok).toBe(false);
  expect(new Set(judge.asked)).toEqual(new Set(["score head 133-266", "score candidate 133-266"]));
});

test("H14: at the full step, honest but long work would be harmful; at its share it is not", async () => {
  const head = { number: 0, parameters: new Float32Array(TOY_SIZE), recipe: toyRecipe };
  const long = toyMember("long", toyDelta(2.4, "long"));
  const full = { ...head, recipe: { ...toyRecipe, score: { ...score, stepShare: 1 } } };
  expect(validateScore(await scoreMember(createToyJudge(head), head, long), score).ok).toBe(true);
  expect(validateScore(await scoreMember(createToyJudge(head), full, long), score).ok).toBe(false);
});
