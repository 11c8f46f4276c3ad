import { bisect } from "../../core/gate/bisection.ts";
import type { PairedTestResult } from "../../core/gate/paired-test.ts";
import type { RelayContext } from "../context.ts";
import { modelHealthOf } from "../http/answers.ts";
import {
  type Candidate,
  mergeCandidate,
  reportOf,
  testCandidate,
  weighCohort,
} from "./candidate.ts";
import type { Head } from "./head.ts";
import { type Member, readMember } from "./member.ts";
import type { PipelineParts, StepResult } from "./pipeline.ts";
import { publishCandidate } from "./publishing.ts";

const CLIP_SAMPLE = 64; // norms of merged work that the clip is taken from
const MOST_POSTPONEMENTS = 3; // each is a chance to pass beside other work, on another head

/**
 * Close a cohort when it is full, or when its first contribution has waited long enough, so that a lone
 * volunteer's work is merged too; then merge, test and publish it.
 */
export async function mergeCohort(parts: PipelineParts, head: Head): Promise<StepResult> {
  const { context, evaluator, positionsOf } = parts;
  const { ledger, clock } = context;
  const { cohortSize, cohortSeconds } = head.recipe.merge;
  const queued = await ledger.waiting(head.model, "queued", cohortSize);
  const [first] = queued;
  if (first === undefined) return { again: false, dueMs: Number.POSITIVE_INFINITY };
  const dueMs = first.updated_at + 1000 * cohortSeconds - clock();
  if (queued.length < cohortSize && dueMs > 0) return { again: false, dueMs };

  const members: Member[] = [];
  for (const row of queued) members.push(await readMember(context, positionsOf, head, row));
  const norms = await ledger.mergedNorms(head.model, CLIP_SAMPLE);
  const weights = weighCohort(head, members, norms);
  const passed = new Map<readonly Member[], { candidate: Candidate; result: PairedTestResult }>();
  const found = await bisect(members, head.recipe.gate.alpha, async (part, alpha) => {
    const candidate = mergeCandidate(head, part, weights);
    const result = await testCandidate(evaluator, head, candidate, alpha);
    if (result.decision === "pass") passed.set(part, { candidate, result });
    return result.decision;
  });
  const winner = passed.get(found.passed);
  if (winner !== undefined) await publish(parts, head, winner, found.evaluations);
  await sendOn(context, found.bad, found.left);
  await ledger.appendEvents([{ type: "health", data: await modelHealthOf(context, head.model) }]);
  return { again: true };
}

async function publish(
  { context, evaluator, fences }: PipelineParts,
  head: Head,
  { candidate, result }: { candidate: Candidate; result: PairedTestResult },
  evaluations: number,
): Promise<void> {
  const { examples, meanDifference: meanDifferenceNats } = result;
  const gate = { decision: "pass", examples, meanDifferenceNats, evaluations } as const;
  const report = await reportOf(evaluator, head, candidate);
  const fence = fences.get(head.model) ?? -1; // no ledger has such a fence
  const published = await publishCandidate(context, head, candidate, { report, gate }, fence);
  if (!published) throw new Error(`${head.model}: another relay publishes this model now`);
}

/** Refuse what failed alone; leave what is undecided to later cohorts, but not for ever. */
async function sendOn(
  { ledger, clock }: RelayContext,
  bad: readonly Member[],
  left: readonly Member[],
): Promise<void> {
  const again = left.filter(({ row }) => row.postponed < MOST_POSTPONEMENTS);
  const refused = [...bad, ...left.filter((member) => !again.includes(member))];
  const idsOf = (members: readonly Member[]) => members.map(({ row }) => row.id);
  if (again.length > 0) await ledger.postpone(idsOf(again), clock());
  if (refused.length === 0) return;
  const message = "a model with it was not shown to be as good as the one before";
  await ledger.refuseWaiting(idsOf(refused), { code: "gate-failed", message }, clock());
}
