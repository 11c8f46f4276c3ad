import { expect, test } from "vitest";
import {
  createToyJudge,
  TOY_SIZE,
  toyDelta,
  toyMember,
  toyRecipe,
} from "../../tests/fixtures/toy-judge.ts";
import { mergeHere } from "../merge/candidate.ts";
import type { Member } from "../merge/member.ts";
import { type CohortSetting, judgeCohort, sortOut } from "./cohort.ts";
import { isSampled } from "./leave-one-out.ts";

const parameters = new Float32Array(TOY_SIZE);
const honest = Array.from({ length: 7 }, (_, i) =>
  toyMember(`h${i}`, toyDelta(0.3, `honest ${i}`)),
);
const liar = toyMember("liar", toyDelta(-3, "liar"));

function settingOf(changes: Partial<CohortSetting<Member>> = {}): CohortSetting<Member> {
  return {
    recipe: toyRecipe,
    judge: createToyJudge({ parameters }),
    suites: [],
    parent: 0,
    release: 0,
    best: 0,
    start: 0,
    packets: null,
    merge: mergeHere(parameters, toyRecipe.merge),
    mergedNorms: [],
    isSampled: false,
    ...changes,
  };
}

test("G10: an honest cohort is merged at its first test", async () => {
  const outcome = await judgeCohort(settingOf(), honest);
  expect(outcome.passed?.candidate.members).toEqual(honest);
  expect(outcome.tested).toHaveLength(1);
  expect(outcome).toMatchObject({ failed: [], harmful: [], left: [] });
});

test("G10: a cohort that fails is halved until the bad patch is found, and the rest is merged", async () => {
  const cohort = [...honest.slice(0, 2), liar, ...honest.slice(2)];
  const outcome = await judgeCohort(settingOf(), cohort);
  expect(outcome.failed).toEqual([liar]);
  expect(outcome.passed?.candidate.members).toEqual(honest);
  expect(outcome.tested.length).toBeGreaterThan(4);
  const alphas = outcome.tested.map(({ verdict }) => Math.exp(-(verdict.tests[0]?.passAt ?? 0)));
  expect(alphas.reduce((sum, alpha) => sum + alpha, 0)).toBeLessThan(toyRecipe.gate.alpha);
});

test("G25: late work alone is merged where it gains, and waits where it costs a little; beside fresh work the margin holds", async () => {
  const cost = (lag: number) => toyMember(`cost ${lag}`, toyDelta(-0.01, "cost", 0), { lag });
  const gain = toyMember("gain", toyDelta(0.3, "gain"), { lag: 1 });
  const vain = await judgeCohort(settingOf(), [cost(1)]);
  expect(vain).toMatchObject({ passed: null, failed: [], left: [{ id: "cost 1" }] });
  expect(vain.tested[0]?.verdict.tests[0]?.decision).toBe("pass");
  for (const passing of [[cost(0)], [cost(1), cost(0)], [gain], [gain, cost(1)]]) {
    const { passed } = await judgeCohort(settingOf(), passing);
    expect(passed?.candidate.members).toEqual(passing);
  }
});

test.each([
  { by: "a test of its own", best: 1, release: 0, against: "best" },
  { by: "the release's test", best: 1, release: 1, against: "release" },
])(
  "G25: late work alone that gains on the head waits where the best version was better, shown by $by",
  async ({ best, release, against }) => {
    const [at80, at83] = [0.8, 0.83].map((value) => new Float32Array(TOY_SIZE).fill(value));
    const judge = createToyJudge({ parameters: at80!, release: at83!, best: at83! });
    const merge = mergeHere(at80!, toyRecipe.merge);
    const setting = settingOf({ judge, merge, parent: 2, release, best });
    const outcome = await judgeCohort(setting, [
      toyMember("late", toyDelta(0.01, "late", 0), { lag: 1 }),
    ]);
    expect(outcome).toMatchObject({ passed: null, failed: [], left: [{ id: "late" }] });
    const test = outcome.tested[0]?.verdict.tests.find((each) => each.against === against);
    expect(test).toMatchObject({ version: best, decision: "pass" });
    expect(test?.meanDifferenceNats).toBeGreaterThan(0);
  },
);

test("G25: late work alone need not gain on a release that is not the best version", async () => {
  const [at80, at83] = [0.8, 0.83].map((value) => new Float32Array(TOY_SIZE).fill(value));
  const judge = createToyJudge({ parameters: at80!, release: at83!, best: at80! });
  const merge = mergeHere(at80!, toyRecipe.merge);
  const setting = settingOf({ judge, merge, parent: 2, release: 0, best: 2 });
  const late = toyMember("late", toyDelta(0.01, "late", 0), { lag: 1 });
  const { passed } = await judgeCohort(setting, [late]);
  expect(passed?.candidate.members).toEqual([late]);
});

test("G17: who makes the candidate worse is found by leaving each out, before the gate", async () => {
  const quiet = toyMember("quiet", toyDelta(-0.4, "quiet")); // too little to fail the whole cohort
  const cohort = [...honest, quiet];
  const unseen = await judgeCohort(settingOf(), cohort);
  expect(unseen.passed?.candidate.members).toContain(quiet);
  const seen = await judgeCohort(settingOf({ isSampled: true }), cohort);
  expect(seen.harmful).toEqual([quiet]);
  expect(seen.passed?.candidate.members).toEqual(honest);
  const others = await judgeCohort(settingOf({ isSampled: true }), honest);
  expect(others.harmful).toEqual([]);
});

test("G17: a quarter of the cohorts are sampled, none of those with more than 64 members", () => {
  const lots = Array.from({ length: 8 }, (_, i) => i / 8);
  expect(lots.filter((lot) => isSampled(honest, lot))).toEqual([0, 1 / 8]);
  expect(isSampled(Array<Member>(64).fill(liar), 0)).toBe(true);
  expect(isSampled(Array<Member>(65).fill(liar), 0)).toBe(false);
});

test("G17: a hair of harm that only thousands of examples can see refuses nobody", async () => {
  const idle = toyMember("idle", toyDelta(-0.01, "idle", 0));
  const outcome = await judgeCohort(settingOf({ isSampled: true }), [...honest, idle]);
  expect(outcome.harmful).toEqual([]);
});

test("G17: a cohort that goes too far together is nobody's fault, but who goes further still is found", async () => {
  const eager = Array.from({ length: 7 }, (_, i) =>
    toyMember(`e${i}`, toyDelta(1.6, `eager ${i}`)),
  );
  const together = await judgeCohort(settingOf({ isSampled: true }), eager);
  expect(together.harmful).toEqual([]);
  const wild = toyMember("wild", toyDelta(4, "wild"));
  const beside = await judgeCohort(settingOf({ isSampled: true }), [...eager, wild]);
  expect(beside.harmful).toEqual([wild]);
});

test("G7: a patch longer than merged work is clipped to it", async () => {
  const [long] = [toyMember("long", toyDelta(3, "long"))];
  const norm = honest[0]!.norm;
  const outcome = await judgeCohort(settingOf({ mergedNorms: [norm] }), [...honest, long!]);
  const at = outcome.passed?.candidate.members.indexOf(long!) ?? -1;
  const clip = toyRecipe.merge.clipFactor * norm;
  expect(outcome.passed?.candidate.multipliers[at]).toBe(Math.floor((4096 * clip) / long!.norm));
});

test("H14: late work that fails, and work that has waited for three cohorts, has nothing to gain; fresh work that fails has failed", () => {
  const [fresh, late, patient, tired, quiet] = ["fresh", "late", "patient", "tired", "quiet"].map(
    (id) => toyMember(id, toyDelta(0.1, id), { lag: id === "late" ? 1 : 0 }),
  );
  const outcome = {
    passed: null,
    failed: [fresh!, late!],
    harmful: [quiet!],
    left: [patient!, tired!],
    tested: [],
  };
  const { again, away } = sortOut(outcome, (member) => (member === tired ? 3 : 2));
  expect(again).toEqual([patient]);
  expect(away).toEqual({ "gate-failed": [fresh], "no-gain": [late, tired], harmful: [quiet] });
});

test("G9: where the head has used the flip budget up, one test is enough, and everybody waits", async () => {
  const release = new Float32Array(TOY_SIZE).fill(0.55);
  const head = new Float32Array(TOY_SIZE).fill(0.2);
  const recipe = { ...toyRecipe, gate: { ...toyRecipe.gate, marginNats: 0.9, flipBudget: 0.01 } };
  const judge = createToyJudge({ parameters: head, release, best: head });
  const small = Array.from({ length: 4 }, (_, i) => toyMember(`s${i}`, toyDelta(0, `small ${i}`)));
  const outcome = await judgeCohort(
    settingOf({ recipe, judge, merge: mergeHere(head, recipe.merge), parent: 1 }),
    small,
  );
  expect(outcome.tested).toHaveLength(1);
  expect(outcome).toMatchObject({ passed: null, failed: [], left: small });
});
