import type { MergedStep } from "../merge/mean.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { FlipCount, SuiteTest } from "../protocol/schemas/version.ts";
import type { Evaluation } from "../training/evaluate.ts";
import type { Judge, Subject } from "./judge.ts";
import { countNegativeFlips, withinFlipBudget } from "./negative-flips.ts";
import { type PairedTestResult, type PairedTestRules, pairedTest } from "./paired-test.ts";
import { lookOnce, piecesOf } from "./suite-pieces.ts";

/** Versions that a candidate must not be worse than, and where in a suite its tests start. */
export type GateSetting = {
  readonly recipe: Recipe;
  readonly judge: Judge;
  /** Number of the head. */
  readonly parent: number;
  /** Number of the last release; version 0 where nothing was tagged. */
  readonly release: number;
  /** In [0, 1): each version's tests begin at another piece of a suite, whose examples lie in random order. */
  readonly start: number;
};

/** What the gate found about one candidate. */
export type GateVerdict = {
  readonly decision: PairedTestResult["decision"];
  readonly tests: readonly SuiteTest[];
  /** Null where the recipe has no budget, or a test did not pass. */
  readonly flips: FlipCount | null;
};

/**
 * Step 9 of the walk: whether the head with `step` is shown to be no worse than the head and the last release, on
 * every suite (protocol G8), and within the flip budget (G9), at the error rate `alpha`. A candidate must pass every
 * test, so each runs at the whole alpha: the probability of passing a bad one is no larger than that of one test.
 */
export async function testStep(
  setting: GateSetting,
  step: MergedStep,
  alpha: number,
): Promise<GateVerdict> {
  const { recipe } = setting;
  const look = lookOnce(setting.judge, step);
  const tests: SuiteTest[] = [];
  for (const suite of ["gate", "protected"] as const) {
    const count = recipe.data.heldOut[suite];
    const rules = suite === "gate" ? gateRules(recipe) : protectedRules(recipe);
    if (count === undefined || rules === null) continue;
    const examples = Math.min(count, recipe.gate.maxExamples);
    tests.push(...(await testSuite(setting, look, { suite, examples, rules, alpha })));
    const decision = decisionOf(tests);
    if (decision !== "pass") return { decision, tests, flips: null };
  }
  const flips = await flipsOf(setting, look);
  const isWithin = flips === null || withinFlipBudget(flips, flips.budget);
  return { decision: isWithin ? "pass" : "undecided", tests, flips };
}

/**
 * Pass where all tests pass, fail where one against the parent fails. What the model has lost since the release is
 * nobody's fault alone: such a cohort is undecided and waits, and no one is refused for it. So are flips.
 */
function decisionOf(tests: readonly SuiteTest[]): GateVerdict["decision"] {
  if (tests.every(({ decision }) => decision === "pass")) return "pass";
  const isAtFault = tests.some((test) => test.against === "parent" && test.decision === "fail");
  return isAtFault ? "fail" : "undecided";
}

type MarginRules = Pick<PairedTestRules, "marginNats" | "toleratedNats">;

type SuiteRules = Readonly<Record<"parent" | "release", MarginRules>> & {
  readonly clipNats: number | undefined;
};

function gateRules({ gate }: Recipe): SuiteRules {
  const { marginNats, clipNats } = gate;
  return { parent: { marginNats }, release: { marginNats }, clipNats };
}

/** What a model learns costs something of what it knew: up to the margin that is no reason to fail. */
function protectedRules({ gate }: Recipe): SuiteRules | null {
  if (gate.protected === undefined) return null;
  const { marginNats, releaseMarginNats, clipNats } = gate.protected;
  const upTo = (most: number) => ({ marginNats: most, toleratedNats: most });
  return { parent: upTo(marginNats), release: upTo(releaseMarginNats), clipNats };
}

/** The tests of one suite against parent and release, piece by piece until both are decided. */
async function testSuite(
  { recipe, judge, parent, release, start }: GateSetting,
  look: Look,
  {
    suite,
    examples,
    rules,
    alpha,
  }: { suite: "gate" | "protected"; examples: number; rules: SuiteRules; alpha: number },
): Promise<SuiteTest[]> {
  const runs = [createRun("parent", parent, { head: null })];
  if (release !== parent) runs.push(createRun("release", release, "release"));
  for (const piece of piecesOf(examples, start)) {
    const candidate = await look(suite, piece);
    for (const run of runs) {
      if (run.result?.decision === "pass") continue;
      append(run.differences, candidate, await judge.evaluate(suite, run.subject, piece));
      run.result = pairedTest(Float32Array.from(run.differences), {
        ...recipe.gate,
        ...rules[run.against],
        clipNats: rules.clipNats,
        alpha,
        maxExamples: examples,
      });
    }
    if (runs.some(({ result }) => result?.decision === "fail")) break;
    if (runs.every(({ result }) => result?.decision === "pass")) break;
  }
  return runs.map(({ against, version, result }) => ({
    suite,
    against,
    version,
    decision: result?.decision ?? "undecided",
    examples: result?.examples ?? 0,
    meanDifferenceNats: result?.meanDifference ?? 0,
    logEvidence: result?.logEvidencePass ?? 0,
    passAt: -Math.log(alpha),
  }));
}

type Look = ReturnType<typeof lookOnce>;

type Run = {
  readonly against: "parent" | "release";
  readonly version: number;
  readonly subject: Subject;
  /** Candidate − earlier version, nats. */
  readonly differences: number[];
  result: PairedTestResult | null;
};

function createRun(against: Run["against"], version: number, subject: Subject): Run {
  return { against, version, subject, differences: [], result: null };
}

function append(differences: number[], candidate: Evaluation, earlier: Evaluation): void {
  candidate.losses.forEach((loss, i) => {
    differences.push(loss - earlier.losses[i]!);
  });
}

/** What the last release had right on the gate suite and the candidate has wrong. */
async function flipsOf(
  { recipe, judge, parent, release, start }: GateSetting,
  look: Look,
): Promise<FlipCount | null> {
  const budget = recipe.gate.flipBudget;
  if (budget === undefined) return null;
  const total = { flips: 0, rightBefore: 0 };
  const earlier: Subject = release === parent ? { head: null } : "release";
  const examples = Math.min(recipe.data.heldOut.gate, recipe.gate.maxExamples);
  for (const piece of piecesOf(examples, start)) {
    const before = await judge.evaluate("gate", earlier, piece);
    const after = await look("gate", piece);
    const { flips, rightBefore } = countNegativeFlips(before.answers, after.answers);
    total.flips += flips;
    total.rightBefore += rightBefore;
  }
  return { version: release, ...total, budget };
}
