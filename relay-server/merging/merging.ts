import {
  type CohortOutcome,
  judgeCohort,
  sortOut,
  type TurnedAway,
} from "../../core/gate/cohort.ts";
import type { GateSetting } from "../../core/gate/judge.ts";
import { isSampled } from "../../core/gate/leave-one-out.ts";
import { cohortSizeFor } from "../../core/merge/cohort-size.ts";
import { CLIP_SAMPLE } from "../../core/merge/multiplier.ts";
import type { RelayContext } from "../context.ts";
import type { Head } from "../history/head.ts";
import { promotePatches } from "../history/promotion.ts";
import type { LoopParts, PipelineParts, StepResult } from "../parts.ts";
import { isOutage } from "../storage-error.ts";
import type { WaitingContribution } from "../store/sql/judging.ts";
import { type Attestation, attest, gateSettingOf, gateTestOf } from "./judge.ts";
import { withLoadedCohort } from "./loaded-cohort.ts";
import { drawLot } from "./lots.ts";
import { readMember, type WaitingMember } from "./member.ts";
import { checkFence, FencedError, publishCandidate } from "./publishing.ts";
import { type SuiteStop, stoppedBySuites, stopWords } from "./suite-stops.ts";

const NOBODY = { passed: null, failed: [], harmful: [], left: [], tested: [] };

/**
 * Close a cohort when it is full, which takes more where more work is out, or when its first contribution has waited
 * long enough, so that a lone volunteer's work is merged too; then merge, test and publish it.
 */
export async function mergeCohort(parts: LoopParts, head: Head): Promise<StepResult> {
  const { context, setbacks } = parts;
  const { tickets, contributions, clock } = context;
  const { cohortSize, cohortSeconds } = head.recipe.merge;
  const outstanding = await tickets.outstanding(head.model, clock());
  const size = cohortSizeFor(cohortSize, {
    outstanding,
    waiting: await contributions.undecided(head.model),
  });
  const resting = setbacks.resting(clock());
  const waiting = await contributions.waiting(head.model, "queued", size, resting);
  const suspect = waiting.find(({ id }) => setbacks.isSuspect(id));
  if (suspect !== undefined) return mergeMembers(parts, head, [suspect]);
  const [first] = waiting;
  if (first === undefined) return { again: false, dueMs: Number.POSITIVE_INFINITY };
  const waitedMs = clock() - first.updated_at;
  const dueMs = waitedMs < 0 ? 0 : 1000 * cohortSeconds - waitedMs; // queued "later": the clock was set back
  if (waiting.length < size && dueMs > 0) return { again: false, dueMs };
  return mergeMembers(parts, head, waiting);
}

/** Judge, publish and send on a cohort; what goes wrong at it is a setback of all of its members. */
async function mergeMembers(
  parts: LoopParts,
  head: Head,
  rows: readonly WaitingContribution[],
): Promise<StepResult> {
  const { context, setbacks } = parts;
  const { contributions, history, clock, pace } = context;
  const startedAt = clock();
  const ids = rows.map(({ id }) => id);
  const judged = await judgeMembers(parts, head, rows).catch(async (error: unknown) => {
    if (isOutage(error)) throw error;
    console.error(error);
    const aside = setbacks.fail(ids, error, clock());
    if (aside !== null) await contributions.setAside(aside, clock());
    return null;
  });
  if (judged === null) return { again: true };
  const { outcome } = judged;
  await checkFence(history, head);
  setbacks.succeed(ids);
  const tests = outcome.tested.map(({ candidate, verdict }) =>
    gateTestOf(verdict, {
      at: clock(),
      head: head.number,
      contributions: candidate.members.length,
    }),
  );
  await history.recordGateTests(head.model, tests);
  if (!(await publish(parts, head, judged))) return { again: true }; // of what still waits, another cohort
  await promotePatches(context, head.model); // at once: who reads of a merge asks for its patches
  await sendOn(context, outcome, head.suites);
  pace.note(head.model, "cohort", (clock() - startedAt) / 1000 / rows.length);
  return { again: true };
}

/** A cohort's outcome, and what the relay attests about what passed, if anything did. */
type Judged = {
  readonly outcome: CohortOutcome<WaitingMember>;
  readonly attestation: Attestation | null;
};

/** What the gate says of those that still wait. */
async function judgeMembers(
  { context, evaluator, evaluations, juryFor, positionsOf }: LoopParts,
  head: Head,
  rows: readonly WaitingContribution[],
): Promise<Judged> {
  const { contributions, random } = context;
  const members: WaitingMember[] = [];
  for (const row of rows) {
    const member = await readMember(context, positionsOf, head, row);
    if (member !== null) members.push(member);
  }
  if (members.length === 0) return { outcome: NOBODY, attestation: null };
  const mergedNorms = await contributions.mergedNorms(head.model, CLIP_SAMPLE);
  return withLoadedCohort(evaluator, head, members, async (merge) => {
    const facts = { merge, mergedNorms, isSampled: isSampled(members, drawLot(random)) };
    const shared = evaluations.begin(await juryFor(head, members));
    const own = { ...gateSettingOf(evaluator, head), ...facts };
    const outcome = await judgeCohort({ ...gateSettingOf(shared, head), ...facts }, members);
    if (!shared.isToRepeat(turnsAway(outcome))) return attestPassed(own, outcome);
    return attestPassed(own, await judgeCohort(own, members));
  });
}

/** With what the relay attests from its `own` evaluations: nobody can recompute the report that it signs. */
async function attestPassed(
  own: GateSetting,
  outcome: CohortOutcome<WaitingMember>,
): Promise<Judged> {
  const { passed, tested } = outcome;
  if (passed === null) return { outcome, attestation: null };
  const { candidate, verdict } = passed;
  return { outcome, attestation: await attest(own, candidate.step, verdict, tested.length) };
}

/** Whether somebody is refused. */
function turnsAway(outcome: CohortOutcome<WaitingMember>): boolean {
  const { away } = sortOut(outcome, postponementsOf);
  return Object.values(away).some(({ length }) => length > 0);
}

const postponementsOf = ({ row }: WaitingMember) => row.postponed;

/** Publish what passed, if anything did; false if some of it was refused meanwhile, as by a ban. */
async function publish(
  parts: PipelineParts,
  head: Head,
  { outcome, attestation }: Judged,
): Promise<boolean> {
  if (outcome.passed === null || attestation === null) return true;
  const { candidate } = outcome.passed;
  const published = await publishCandidate(parts, head, candidate, attestation);
  if (published === "fenced") throw new FencedError(head.model);
  return published === "published";
}

const WORDS: Readonly<Record<keyof TurnedAway<WaitingMember>, string>> = {
  "gate-failed": "a model with it was not shown to be as good as the one before",
  "no-gain": "there is nothing to gain with it any more; nothing is wrong with it",
  harmful: "without it, the others' work does better on held-out examples",
};

/** Refuse what is known to harm; leave what is undecided to later cohorts, but not for ever. */
async function sendOn(
  { contributions, history, clock }: Pick<RelayContext, "contributions" | "history" | "clock">,
  outcome: CohortOutcome<WaitingMember>,
  suites: Head["suites"],
): Promise<void> {
  const { again, away } = sortOut(outcome, postponementsOf);
  if (again.length > 0) await contributions.postpone(idsOf(again), clock());
  for (const code of Object.keys(WORDS) as (keyof typeof WORDS)[]) {
    const stopped =
      code === "harmful"
        ? new Map<string, SuiteStop>()
        : stoppedBySuites(away[code], outcome, suites);
    for (const [id, stop] of stopped) {
      const message = stopWords(stop, await history.suite(stop.suite.id));
      await contributions.refuseWaiting([id], { code, message }, clock());
      await history.noteStopped(stop.suite.id, 1);
    }
    const others = idsOf(away[code]).filter((id) => !stopped.has(id));
    if (others.length === 0) continue;
    await contributions.refuseWaiting(others, { code, message: WORDS[code] }, clock());
  }
}

function idsOf(members: readonly WaitingMember[]): string[] {
  return members.map(({ id }) => id);
}
