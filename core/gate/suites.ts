import type { MergedStep } from "../merge/mean.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { FlipCount, OpenedPackets, SuiteTest } from "../protocol/schemas/version.ts";
import { type Look, lookOnce } from "./candidate-look.ts";
import type { ContributedSuite, GateSetting, Subject } from "./judge.ts";
import { countNegativeFlips, withinFlipBudget } from "./negative-flips.ts";
import {
  cutOf,
  firstFresh,
  type GatePackets,
  type GatePiece,
  type GateSuite,
  gatePiecesOf,
  type PacketPlan,
  wholeReserve,
} from "./packets.ts";
import type { PairedTestResult } from "./paired-test.ts";
import { type SuiteRules, type SuiteToPass, testSuite } from "./suite-test.ts";

/** What the gate found about one candidate. */
export type GateVerdict = {
  readonly decision: PairedTestResult["decision"];
  readonly tests: readonly SuiteTest[];
  /** Null where the recipe has no budget, or a test did not pass. */
  readonly flips: FlipCount | null;
  /** The flip budget is used up by the head already, so that no part of a cohort will pass. */
  readonly isSpent: boolean;
  /** How many fresh packets of each suite it was tested on. */
  readonly looked: OpenedPackets;
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
  const looked: Record<GateSuite, readonly GatePiece[]> = { gate: [], protected: [] };
  const verdict = (found: Pick<GateVerdict, "decision" | "flips" | "isSpent">): GateVerdict => ({
    ...found,
    tests,
    looked: { gate: freshOf(looked.gate), protected: freshOf(looked.protected) },
  });
  for (const each of suitesToPass(setting)) {
    const found = await testSuite(setting, look, { ...each, alpha });
    tests.push(...found.tests);
    if (typeof each.suite === "string") looked[each.suite] = found.looked;
    const decision = decisionOf(tests);
    if (decision !== "pass") return verdict({ decision, flips: null, isSpent: false });
  }
  const counted = flipPieces(setting, looked.gate);
  const flips = await flipsOf(setting, look, counted);
  if (flips === null || withinFlipBudget(flips, flips.budget)) {
    return verdict({ decision: "pass", flips, isSpent: false });
  }
  const own = await flipsOf(setting, lookAtHead(setting), counted);
  const isSpent = own !== null && !withinFlipBudget(own, SPENT_SHARE * own.budget);
  return verdict({ decision: "undecided", flips, isSpent });
}

function cutFor({ data }: Recipe, packets: GatePackets | null, suite: GateSuite): PacketPlan {
  const sealed = packets?.suites.find((each) => each.suite === suite);
  return sealed === undefined ? wholeReserve(data.heldOut[suite] ?? 0) : cutOf(sealed);
}

const freshOf = (pieces: readonly GatePiece[]) => pieces.filter(({ isFresh }) => isFresh).length;

/** Flips are counted on the fresh packets that the tests have seen; once they saw some of the reserve, on all that they may see of that. */
function flipPieces(
  { recipe, packets, start }: GateSetting,
  looked: readonly GatePiece[],
): readonly GatePiece[] {
  if (looked.every(({ isFresh }) => isFresh)) return looked;
  const cut = cutFor(recipe, packets, "gate");
  const most = Math.min(recipe.data.heldOut.gate, recipe.gate.maxExamples);
  return gatePiecesOf(cut, { first: cut.count, start, most });
}

/** The recipe's own suites, then the contributed ones in the order of their acceptance: these are open, and no gate's first look. */
function suitesToPass({ recipe, suites, packets, start }: GateSetting): SuiteToPass[] {
  const { data, gate } = recipe;
  const own = (suite: GateSuite, rules: SuiteRules): SuiteToPass => {
    const most = Math.min(data.heldOut[suite] ?? 0, gate.maxExamples);
    const first = packets === null ? 0 : firstFresh(packets, suite);
    const pieces = gatePiecesOf(cutFor(recipe, packets, suite), { first, start, most });
    return { suite, pieces, most, rules };
  };
  const found = [own("gate", gateRules(recipe))];
  const rules = protectedRules(recipe);
  if (data.heldOut.protected !== undefined && rules !== null) found.push(own("protected", rules));
  for (const suite of suites) {
    const most = Math.min(suite.examples, gate.maxExamples);
    const pieces = gatePiecesOf(wholeReserve(suite.examples), { first: 0, start, most });
    found.push({ suite, pieces, most, rules: contributedRules(suite, recipe) });
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
  { recipe, judge, parent, release }: GateSetting,
  look: Look,
  pieces: readonly GatePiece[],
): Promise<FlipCount | null> {
  const budget = recipe.gate.flipBudget;
  if (budget === undefined) return null;
  const total = { flips: 0, rightBefore: 0 };
  const earlier: Subject = release === parent ? { head: null } : "release";
  for (const { piece } of pieces) {
    const before = await judge.evaluate("gate", earlier, piece);
    const after = await look("gate", piece);
    const { flips, rightBefore } = countNegativeFlips(before.answers, after.answers);
    total.flips += flips;
    total.rightBefore += rightBefore;
  }
  return { version: release, ...total, budget };
}
