import {
  type Candidate,
  type MergeMembers,
  mergeCandidate,
  weighCohort,
} from "../merge/candidate.ts";
import type { Member } from "../merge/member.ts";
import { bisect } from "./bisection.ts";
import type { GateSetting } from "./judge.ts";
import { harmfulMembers } from "./leave-one-out.ts";
import { type GateVerdict, testStep } from "./suites.ts";

/** Cohorts that undecided work is left over from before it is turned away: chances to pass beside other work, on another head. */
const MOST_POSTPONEMENTS = 3;

/** A cohort's head and what is known about merged work. */
export type CohortSetting<M extends Member> = GateSetting & {
  /** Merges members into the head. */
  readonly merge: MergeMembers<M>;
  /** Norms of merged work, from which the clip follows. */
  readonly mergedNorms: readonly number[];
  /** Whether the cohort's members are each left out in turn before it is tested. */
  readonly isSampled: boolean;
};

/** What cohorts turned away, by the code that tells why. */
export type TurnedAway<M extends Member> = {
  /** Failed the gate alone, on the head that it was trained on. */
  readonly "gate-failed": readonly M[];
  /** Waited for too many cohorts, or came late and mends what others have mended: nothing is wrong with it (protocol H14). */
  readonly "no-gain": readonly M[];
  readonly harmful: readonly M[];
};

/** Who is turned away after a cohort, and who waits for another one. */
export function sortOut<M extends Member>(
  { failed, harmful, left }: CohortOutcome<M>,
  postponementsOf: (member: M) => number,
): { readonly again: readonly M[]; readonly away: TurnedAway<M> } {
  const again = left.filter((member) => postponementsOf(member) < MOST_POSTPONEMENTS);
  const waitedOut = left.filter((member) => !again.includes(member));
  const late = failed.filter(({ lag }) => lag > 0);
  const away = {
    "gate-failed": failed.filter(({ lag }) => lag === 0),
    "no-gain": [...late, ...waitedOut],
    harmful,
  };
  return { again, away };
}

/** One candidate and what the gate found. */
export type TestedCandidate<M extends Member> = {
  readonly candidate: Candidate<M>;
  readonly verdict: GateVerdict;
};

/** What became of a cohort. */
export type CohortOutcome<M extends Member> = {
  /** The candidate to publish; null if none passed. */
  readonly passed: TestedCandidate<M> | null;
  /** Failed the gate on their own. */
  readonly failed: readonly M[];
  /** Found by leaving them out. */
  readonly harmful: readonly M[];
  /** Neither merged nor refused: they may be tried in a later cohort. */
  readonly left: readonly M[];
  /** Every candidate that was tested, in order. */
  readonly tested: readonly TestedCandidate<M>[];
};

/**
 * Steps 8 and 9 of the walk for one cohort: weigh, merge, test, and where it does not pass, bisect (protocol G10).
 * Everybody keeps the weight that they have beside all the others.
 */
export async function judgeCohort<M extends Member>(
  setting: CohortSetting<M>,
  cohort: readonly M[],
): Promise<CohortOutcome<M>> {
  const { recipe, judge, mergedNorms, isSampled } = setting;
  const weights = weighCohort(cohort, mergedNorms, recipe);
  const merge = (members: readonly M[]) => mergeCandidate(setting.merge, members, weights);
  const harmful =
    isSampled && cohort.length > 1 ? await harmfulMembers(judge, setting, await merge(cohort)) : [];
  const members = cohort.filter((member) => !harmful.includes(member));
  if (members.length === 0) return { passed: null, failed: [], harmful, left: [], tested: [] };
  const tested: TestedCandidate<M>[] = [];
  const found = await bisect(members, recipe.gate.alpha, async (part, alpha) => {
    const candidate = await merge(part);
    const asTested = await testStep(setting, candidate.step, alpha);
    const verdict = heldToGain(part, asTested, setting.best);
    tested.push({ candidate, verdict });
    return verdict.isSpent ? "hopeless" : verdict.decision;
  });
  // the bisection gives back the part that it tested
  const passed = tested.find(({ candidate }) => candidate.members === found.passed);
  return { passed: passed ?? null, failed: found.bad, harmful, left: found.left, tested };
}

/**
 * Late work mends what others have mended since. A part of nothing else passes only where its tests saw a gain on the gate suite over the
 * head and the best version (protocol G25): small losses within the margin would add up over a burst. Where the release is the best
 * version, the release's test is the one that shows it.
 */
function heldToGain(part: readonly Member[], verdict: GateVerdict, best: number): GateVerdict {
  if (verdict.decision !== "pass" || part.some(({ lag }) => lag === 0)) return verdict;
  const compared = verdict.tests.filter(
    ({ suite, against, version }) => suite === "gate" && (against === "parent" || version === best),
  );
  const hasGained = compared.every(({ meanDifferenceNats }) => meanDifferenceNats < 0);
  return hasGained ? verdict : { ...verdict, decision: "undecided" };
}
