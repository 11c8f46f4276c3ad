import type { MergedStep } from "../merge/mean.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { FlipCount, SuiteTest } from "../protocol/schemas/version.ts";
import type { ContributedSuite, GateSetting, Subject } from "./judge.ts";
import { countNegativeFlips, withinFlipBudget } from "./negative-flips.ts";
import type { PairedTestResult } from "./paired-test.ts";
import { type Look, lookOnce, piecesOf } from "./suite-pieces.ts";
import { type SuiteRules, testSuite } from "./suite-test.ts";

/** What the gate found about one candidate. */
export type GateVerdict = {
  readonly decision: PairedTestResult["decision"];
  readonly tests: readonly SuiteTest[];
  /** Null where the recipe has no budget, or a test did not pass. */
  readonly flips: FlipCount | null;
  /** The flip budget is used up by the head already, so that no part of a cohort will pass. */
  readonly isSpent: boolean;
};

const SPENT_SHARE = 0.9; // of the flip budget: what is left is less than honest work flips back and forth

/**
 * Step 9 of the walk: whether the head with `step` is shown to be no worse than the head, the last release and the best version since, on
 * every suite (protocol G8), and within the flip budget (G9), at the error rate `alpha`. A candidate must pass every
 * test, so each runs at the whole alpha: the probability of passing a bad one is no larger than that of one test.
 */
export async function testStep(
  setting: GateSetting,
  step: MergedStep,
  alpha: number,
): Promise<GateVerdict> {
  const look = lookOnce(setting.judge, step);
  const tests: SuiteTest[] = [];
  for (const { suite, count, rules } of suitesToPass(setting)) {
    const examples = Math.min(count, setting.recipe.gate.maxExamples);
    tests.push(...(await testSuite(setting, look, { suite, examples, rules, alpha })));
    const decision = decisionOf(tests);
    if (decision !== "pass") return { decision, tests, flips: null, isSpent: false };
  }
  const flips = await flipsOf(setting, look);
  if (flips === null || withinFlipBudget(flips, flips.budget)) {
    return { decision: "pass", tests, flips, isSpent: false };
  }
  const own = await flipsOf(setting, lookAtHead(setting));
  const isSpent = own !== null && !withinFlipBudget(own, SPENT_SHARE * own.budget);
  return { decision: "undecided", tests, flips, isSpent };
}

type SuiteToPass = {
  readonly suite: "gate" | "protected" | ContributedSuite;
  readonly count: number;
  readonly rules: SuiteRules;
};

/** The recipe's own suites, then the contributed ones in the order of their acceptance. */
function suitesToPass({ recipe, suites }: GateSetting): SuiteToPass[] {
  const { gate, protected: count } = recipe.data.heldOut;
  const found: SuiteToPass[] = [{ suite: "gate", count: gate, rules: gateRules(recipe) }];
  const rules = protectedRules(recipe);
  if (count !== undefined && rules !== null) found.push({ suite: "protected", count, rules });
  for (const suite of suites) {
    const rules = contributedRules(suite, recipe);
    found.push({ suite, count: suite.examples, rules });
  }
  return found;
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

function gateRules({ gate }: Recipe): SuiteRules {
  const { marginNats, clipNats } = gate;
  const margin = { marginNats };
  return { parent: margin, release: margin, best: margin, clipNats };
}

/** What a model learns costs something of what it knew: up to the margin that is no reason to fail. */
function protectedRules({ gate }: Recipe): SuiteRules | null {
  if (gate.protected === undefined) return null;
  const { marginNats, releaseMarginNats, clipNats } = gate.protected;
  return { parent: upTo(marginNats), release: upTo(releaseMarginNats), best: null, clipNats };
}

/** A contributed suite is protected too (protocol U7): its one margin holds for each comparison. */
function contributedRules({ marginNats }: ContributedSuite, { gate }: Recipe): SuiteRules {
  const margin = upTo(marginNats);
  return { parent: margin, release: margin, best: null, clipNats: gate.clipNats };
}

function upTo(marginNats: number) {
  return { marginNats, toleratedNats: marginNats };
}

/** What the head does as it is. */
function lookAtHead({ judge }: GateSetting): Look {
  return (suite, piece) => judge.evaluate(suite, { head: null }, piece);
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
