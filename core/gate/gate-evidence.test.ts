import { expect, test } from "vitest";
import type { SuiteTest } from "../protocol/schemas/version.ts";
import { flipFault, testFault } from "./gate-evidence.ts";
import { pairedTest } from "./paired-test.ts";

const EXAMPLES = 200;
const PASS_AT = -Math.log(0.05);
const RULES = { marginNats: 0.05, alpha: 0.05, beta: 0.05, maxExamples: EXAMPLES, clipNats: 1 };

/** Losses of 1 nat, `better` less, with a sway that two models share in part. */
const lossesOf = (better: number) =>
  Float32Array.from({ length: EXAMPLES }, (_, i) => 1 - better + 0.1 * ((i * 7) % 5));
const run = (losses: Float32Array, answers = new Uint8Array(EXAMPLES)) => ({
  losses,
  correct: losses,
  answers,
});
const earlier = run(lossesOf(0));
const own = run(lossesOf(0.02));
const found = pairedTest(
  own.losses.map((loss, i) => loss - earlier.losses[i]!),
  RULES,
);
const recorded: SuiteTest = {
  suite: "gate",
  against: "parent",
  version: 0,
  decision: "pass",
  examples: found.examples,
  meanDifferenceNats: found.meanDifference,
  logEvidence: found.logEvidencePass,
  passAt: PASS_AT,
  examplesWere: "fresh",
  marginNats: RULES.marginNats,
  clipNats: RULES.clipNats,
};

test("V13: a test that was recorded as it was holds, also where another device's losses are a millionth off", () => {
  expect(found.decision).toBe("pass");
  expect(testFault(recorded, own, earlier)).toBeNull();
  const elsewhere = run(own.losses.map((loss, i) => loss * (1 + (i % 2 === 0 ? 1e-6 : -1e-6))));
  expect(testFault(recorded, elsewhere, earlier)).toBeNull();
});

test("V13: a candidate that is worse than the record says does not pass again", () => {
  expect(testFault(recorded, run(lossesOf(-0.06)), earlier)).toMatch(/does not pass/);
  expect(testFault(recorded, run(lossesOf(Number.NaN)), earlier)).toMatch(/does not pass/);
});

test("V13: fewer examples than the record names, or another mean, do not hold", () => {
  const few = run(own.losses.subarray(0, found.examples - 1));
  expect(testFault(recorded, few, earlier)).toMatch(/examples, not/);
  const better = { ...recorded, meanDifferenceNats: -0.5 };
  expect(testFault(better, own, earlier)).toMatch(/on average, not -0.5/);
});

test("V13: flips may differ by two answers whose likeliest are as likely, and by no more", () => {
  const flips = { version: 0, flips: 1, rightBefore: EXAMPLES, budget: 0.1 };
  const right = run(earlier.losses, new Uint8Array(EXAMPLES).fill(1));
  const wrong = (count: number) =>
    run(
      own.losses,
      Uint8Array.from({ length: EXAMPLES }, (_, i) => (i < count ? 0 : 1)),
    );
  expect(flipFault(flips, wrong(3), right)).toBeNull();
  expect(flipFault(flips, wrong(4), right)).toMatch(/1 answers flipped, and 4 do/);
  const easier = { ...flips, rightBefore: 2 * EXAMPLES };
  expect(flipFault(easier, wrong(3), right)).toMatch(/answers were right before/);
});
