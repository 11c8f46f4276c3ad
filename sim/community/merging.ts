import {
  type CohortOutcome,
  judgeCohort,
  sortOut,
  type TurnedAway,
} from "../../core/gate/cohort.ts";
import { gateReportOf } from "../../core/gate/gate-report.ts";
import { isSampled } from "../../core/gate/leave-one-out.ts";
import { mergeRecordOf } from "../../core/history/merge-record.ts";
import { signVersion, versionId } from "../../core/history/version.ts";
import {
  type Candidate,
  mergeCandidate,
  mergeHere,
  weighCohort,
} from "../../core/merge/candidate.ts";
import { cohortSizeFor } from "../../core/merge/cohort-size.ts";
import { CLIP_SAMPLE } from "../../core/merge/multiplier.ts";
import { namedMasks } from "../../core/patch/named-masks.ts";
import type { VersionRecord } from "../../core/protocol/schemas/version.ts";
import { createRandom } from "../../core/random.ts";
import { applyDeltaStep, encodeDeltaStep } from "../../core/tensors/delta-step.ts";
import { nameCheckpoint } from "../../core/tensors/manifest.ts";
import { metricsOf } from "../../core/training/metrics.ts";
import { maskAfterHead } from "./masks.ts";
import {
  bestOf,
  countOne,
  headOf,
  NO_VAIN_WORK,
  reportOf,
  type SimRelay,
  type SimWaiting,
} from "./relay.ts";
import { judgeOf } from "./screening.ts";
import { unit } from "./volunteer.ts";

const SECOND_MS = 1000;

/** What became of a cohort. */
export type MergeReport = {
  readonly merged: readonly SimWaiting[];
  readonly away: TurnedAway<SimWaiting>;
  /** Candidates that were tested, and the examples of the one that passed. */
  readonly tests: number;
  readonly gateExamples: number;
  /** Size of the delta step that was published; 0 if none was. */
  readonly stepBytes: number;
};

/** Whether the queue is to be merged now: it is a full cohort, or its first has waited long enough. */
export function isCohortDue({ queue, model, outstanding }: SimRelay, now: number): boolean {
  const { cohortSize, cohortSeconds } = model.recipe.merge;
  const [first] = queue;
  if (first === undefined) return false;
  let out = 0;
  for (const tickets of outstanding.values()) out += tickets;
  const size = cohortSizeFor(cohortSize, { outstanding: out, waiting: queue.length });
  return queue.length >= size || now - first.queuedAt >= cohortSeconds;
}

/** Steps 8 to 10 of the walk: merge, test and publish what waits. */
export async function mergeWaiting(relay: SimRelay, now: number): Promise<MergeReport> {
  const head = headOf(relay).record.number;
  const cohort = relay.queue.map((waiting) => ({
    ...waiting,
    merges: relay.merges.get(waiting.contributor) ?? 0,
    lag: head - waiting.sent.piece.base.record.number,
  }));
  const outcome = await judged(relay, cohort);
  const { passed } = outcome;
  const { again, away } = sortOut(outcome, ({ postponed }) => postponed);
  for (const { contributor } of [...away["gate-failed"], ...away.harmful]) {
    relay.merges.set(contributor, 0);
  }
  relay.queue = again.map((member) => ({
    ...member,
    postponed: member.postponed + 1,
    queuedAt: now,
  }));
  noteVainWork(relay, away["no-gain"], now);
  const stepBytes = passed === null ? 0 : await publish(relay, outcome, passed.candidate, now);
  return {
    merged: passed?.candidate.members ?? [],
    away,
    tests: outcome.tested.length,
    gateExamples: passed?.verdict.tests[0]?.examples ?? 0,
    stepBytes,
  };
}

/** Late work may have nothing to gain where fresh work has: only that counts. */
function noteVainWork(relay: SimRelay, away: readonly SimWaiting[], now: number): void {
  const fresh = away.filter(({ lag }) => lag === 0).length;
  if (fresh > 0) relay.vain = { count: relay.vain.count + fresh, lastAt: now * SECOND_MS };
}

async function judged(
  relay: SimRelay,
  cohort: readonly SimWaiting[],
): Promise<CohortOutcome<SimWaiting>> {
  const { model, without, mergedNorms, seed } = relay;
  const head = headOf(relay);
  const { recipe } = model;
  const merge = mergeHere(head.parameters, recipe.merge);
  const norms = without.has("clip") ? [] : mergedNorms.slice(-CLIP_SAMPLE);
  const random = createRandom(`${seed} cohort ${head.id}`);
  const [start, lot] = [unit(random), unit(random)];
  if (without.has("gate")) {
    const weights = weighCohort(cohort, norms, recipe);
    const candidate = await mergeCandidate(merge, cohort, weights);
    const looked = { gate: 0 };
    const verdict = { decision: "pass", tests: [], flips: null, isSpent: false, looked } as const;
    const none = { failed: [], harmful: [], left: [], tested: [] };
    return { passed: { candidate, verdict }, ...none };
  }
  const setting = {
    recipe,
    suites: [],
    judge: judgeOf(relay, { score: "leave-one-out", gate: "gate", protected: "gate" }),
    parent: head.record.number,
    release: 0,
    best: bestOf(relay).record.number,
    start,
    packets: null,
    merge,
    mergedNorms: norms,
    isSampled: !without.has("leave-one-out") && isSampled(cohort, lot),
  };
  return judgeCohort(setting, cohort);
}

/** The next version; returns the size of the delta step to it. */
async function publish(
  relay: SimRelay,
  { passed, tested }: CohortOutcome<SimWaiting>,
  { members, multipliers, step }: Candidate<SimWaiting>,
  now: number,
): Promise<number> {
  const { model, keys, history, versions, without } = relay;
  const { layout, recipe } = model;
  const head = headOf(relay);
  const parameters = applyDeltaStep(head.parameters, step);
  const inputs = members.map(({ id, contributor, sent }, i) => ({
    contribution: id,
    contributor,
    signature: sent.signature,
    base: sent.piece.base.record.number,
    multiplier: multipliers[i]!,
  }));
  const report = await reportOf(model, parameters);
  const record: VersionRecord = {
    format: "commonweight.version/1",
    model: recipe.id,
    number: head.record.number + 1,
    parent: head.id,
    createdAt: Math.round(now * SECOND_MS),
    relayKey: head.record.relayKey,
    checkpoint: (await nameCheckpoint(layout, parameters)).id,
    mask: await maskAfterHead(relay),
    merge: mergeRecordOf(recipe.merge, inputs),
    evaluation: {
      report: metricsOf(report),
      gate:
        passed === null || without.has("gate") ? null : gateReportOf(passed.verdict, tested.length),
    },
  };
  history.push(await signVersion(record, keys.privateKey));
  versions.push({ id: await versionId(record), record, parameters, report });
  relay.vain = NO_VAIN_WORK;
  relay.kept = new Map(Array.from(relay.kept).filter(([name]) => name.includes(" release ")));
  for (const { contributor, norm } of members) {
    countOne(relay.merges, contributor);
    relay.mergedNorms.push(norm);
  }
  const masks = namedMasks(members.map(({ sent }) => sent.piece.base.record.mask));
  return encodeDeltaStep(masks === null ? step : { ...step, masks }, layout.size).length;
}
