import { expect, test } from "vitest";
import {
  createToyJudge,
  TOY_SIZE,
  toyPositions,
  toyRecipe,
} from "../../tests/fixtures/toy-judge.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { GateSetting } from "./judge.ts";
import { testStep } from "./suites.ts";

const ALPHA = 0.05;
const zeros = new Float32Array(TOY_SIZE);
/** The head with every parameter at `value`. */
const stepTo = (value: number) => ({
  positions: toyPositions,
  values: new Float32Array(TOY_SIZE).fill(value),
});

function settingOf(
  judge: GateSetting["judge"],
  {
    recipe = toyRecipe,
    release = 0,
    parent = 0,
    best = parent,
    start = 0,
    packets = null,
    suites = [],
  }: Partial<GateSetting> = {},
): GateSetting {
  return { recipe, judge, suites, parent, release, best, start, packets };
}

function withProtected(gate: Partial<Recipe["gate"]> = {}): Recipe {
  const { data } = toyRecipe;
  return {
    ...toyRecipe,
    data: { ...data, heldOut: { ...data.heldOut, protected: 400 } },
    gate: {
      ...toyRecipe.gate,
      protected: { marginNats: 0.1, releaseMarginNats: 0.2, clipNats: 1 },
      ...gate,
    },
  };
}

test("G8: a better candidate passes, a worse one fails, with the evidence of each test", async () => {
  const judge = createToyJudge({ parameters: zeros });
  const better = await testStep(settingOf(judge), stepTo(0.2), ALPHA);
  expect(better.decision).toBe("pass");
  expect(better.tests).toHaveLength(1);
  const [test] = better.tests;
  expect(test).toMatchObject({ suite: "gate", against: "parent", version: 0, decision: "pass" });
  expect(test!.logEvidence).toBeGreaterThanOrEqual(test!.passAt);
  expect(test!.meanDifferenceNats).toBeLessThan(0);
  const worse = await testStep(settingOf(judge), stepTo(-0.2), ALPHA);
  expect(worse.decision).toBe("fail");
});

test("G10: to fail in a bisection takes as much more evidence as to pass", async () => {
  const judge = createToyJudge({ parameters: zeros });
  const examplesAt = async (alpha: number) => {
    const { decision, tests } = await testStep(settingOf(judge), stepTo(-0.05), alpha);
    expect(decision).toBe("fail");
    return tests[0]!.examples;
  };
  expect(await examplesAt(ALPHA / 20)).toBeGreaterThan(await examplesAt(ALPHA));
});

test("G8: a clear case costs one piece of the suite, the one that the version starts with", async () => {
  const judge = createToyJudge({ parameters: zeros });
  await testStep(settingOf(judge, { start: 0.9 }), stepTo(0.5), ALPHA);
  expect(judge.asked).toEqual(["gate candidate 350-400", "gate head 350-400"]);
});

test("G8: a start in the middle goes on at the beginning, each example once, in pieces that lie still", async () => {
  const judge = createToyJudge({ parameters: zeros });
  await testStep(settingOf(judge, { start: 0.6 }), stepTo(0.005), 1e-9);
  expect(judge.asked.filter((line) => line.startsWith("gate candidate"))).toEqual(
    [4, 5, 6, 7, 0, 1, 2, 3].map((i) => `gate candidate ${50 * i}-${50 * i + 50}`),
  );
});

test("G8: small losses can't add up: a candidate worse than the last release waits, and nobody is refused", async () => {
  // each version was within the margin of its parent, but the release is far better by now
  const release = new Float32Array(TOY_SIZE).fill(0.3);
  const judge = createToyJudge({ parameters: zeros, release });
  const setting = settingOf(judge, { parent: 7, release: 3 });
  const verdict = await testStep(setting, stepTo(0), ALPHA);
  expect(verdict.decision).toBe("undecided");
  const against = verdict.tests.find((test) => test.against === "release");
  expect(against).toMatchObject({ version: 3, decision: "fail" });
  expect((await testStep(setting, stepTo(0.3), ALPHA)).decision).toBe("pass");
});

test("G8: what a protected suite loses by more than its margin does not pass", async () => {
  const truths = { protected: new Float32Array(TOY_SIZE) }; // the head is its optimum
  const judge = createToyJudge({ parameters: zeros, truths });
  const little = settingOf(judge, { recipe: withProtected() });
  const passed = await testStep(little, stepTo(0.2), ALPHA); // 0.04 worse there
  expect(passed.decision).toBe("pass");
  expect(passed.tests.map(({ suite }) => suite)).toEqual(["gate", "protected"]);
  const lost = await testStep(little, stepTo(0.5), ALPHA); // 0.25 worse there
  expect(lost.decision).not.toBe("pass");
  expect(lost.tests.at(-1)?.suite).toBe("protected");
});

test("G9: flips beyond the budget hold a cohort back, and refuse nobody", async () => {
  const release = new Float32Array(TOY_SIZE).fill(0.55);
  const judge = createToyJudge({ parameters: release, release });
  const recipe = { ...toyRecipe, gate: { ...toyRecipe.gate, marginNats: 0.9, flipBudget: 0.01 } };
  const setting = settingOf(judge, { recipe, parent: 5, release: 5 });
  const verdict = await testStep(setting, stepTo(0.2), ALPHA);
  expect(verdict.decision).toBe("undecided");
  expect(verdict.flips).toMatchObject({ version: 5, budget: 0.01 });
  expect(verdict.flips!.flips).toBeGreaterThan(0.01 * verdict.flips!.rightBefore);
  judge.asked.length = 0;
  const better = await testStep(setting, stepTo(0.8), ALPHA);
  expect(better).toMatchObject({ decision: "pass", flips: { flips: 0 } });
  const looks = judge.asked.filter((line) => line.startsWith("gate candidate"));
  expect(looks.length).toBe(8); // what the tests have seen is not looked at again
});

test("G8: a candidate no worse than its parent, but worse than the best since the release, is held back and nobody is at fault", async () => {
  const best = new Float32Array(TOY_SIZE).fill(0.5);
  const parameters = new Float32Array(TOY_SIZE).fill(0.3); // 0.24 nats worse: several small losses
  const judge = createToyJudge({ parameters, best, release: zeros });
  const setting = settingOf(judge, { release: 1, best: 3, parent: 5 });
  const same = await testStep(setting, stepTo(0.31), ALPHA);
  expect(same.decision).toBe("undecided");
  const against = ({ against, version, decision }: (typeof same.tests)[number]) =>
    `${against} ${version} ${decision}`;
  expect(same.tests.map(against)).toContain("best 3 fail"); // before anything is known against the parent
  const back = await testStep(setting, stepTo(0.5), ALPHA);
  expect(back.decision).toBe("pass");
  for (const known of [1, 5]) {
    const { tests } = await testStep({ ...setting, best: known }, stepTo(0.31), ALPHA);
    expect(tests.map(({ against }) => against)).toEqual(["parent", "release"]); // it is one of them: no third test
  }
});

test("G9: a budget that the head has used up itself is told, so that no part of the cohort is tried", async () => {
  const release = new Float32Array(TOY_SIZE).fill(0.55);
  const parameters = new Float32Array(TOY_SIZE).fill(0.2);
  const recipe = { ...toyRecipe, gate: { ...toyRecipe.gate, marginNats: 0.9, flipBudget: 0.01 } };
  const setting = (head: Float32Array) =>
    settingOf(createToyJudge({ parameters: head, release, best: head }), {
      recipe,
      parent: 5,
      release: 4,
    });
  const spent = await testStep(setting(parameters), stepTo(0.2), ALPHA);
  expect(spent).toMatchObject({ decision: "undecided", isSpent: true });
  const own = await testStep(setting(release), stepTo(0.2), ALPHA);
  expect(own).toMatchObject({ decision: "undecided", isSpent: false });
});

test("U7: a contributed suite is tested after the recipe's own, and fails what is worse on it by more than its margin", async () => {
  const suite = { name: "dim", id: "0d", examples: 400, marginNats: 0.1 };
  const judge = createToyJudge({ parameters: zeros, truths: { dim: zeros } });
  const setting = settingOf(judge, { suites: [suite], parent: 3, release: 1 });
  const passed = await testStep(setting, stepTo(0.2), ALPHA); // 0.04 worse there
  expect(passed.decision).toBe("pass");
  expect(passed.tests.map(({ suite, against }) => `${suite} ${against}`)).toEqual([
    ...["gate parent", "gate release"],
    ...["dim parent", "dim release"],
  ]);
  const lost = await testStep(setting, stepTo(0.5), ALPHA); // 0.25 worse there
  expect(lost.decision).toBe("fail");
  expect(lost.tests.find(({ decision }) => decision === "fail")?.suite).toBe("dim");
});
