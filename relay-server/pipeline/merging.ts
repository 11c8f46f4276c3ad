import type { Metrics } from "../../core/protocol/schemas/version.ts";
import { modelHealthOf } from "../http/answers.ts";
import { bisect } from "./bisection.ts";
import { type Candidate, mergeCandidate, testCandidate } from "./candidate.ts";
import type { Evaluator } from "./evaluation-thread.ts";
import type { Head } from "./head.ts";
import { type Member, readMember } from "./member.ts";
import { metricsOf } from "./metrics.ts";
import type { PipelineParts, StepResult } from "./pipeline.ts";
import { publishCandidate } from "./publishing.ts";

const CLIP_SAMPLE = 64; // norms of merged work that the clip is taken from

/**
 * Close a cohort when it is full, or when its first contribution has waited long enough, so that a lone
 * volunteer's work is merged too; then merge, test and publish it.
 */
export async function mergeCohort(parts: PipelineParts, head: Head): Promise<StepResult> {
  const { context, evaluator, positionsOf, fences } = parts;
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
  const { alpha } = head.recipe.gate;
  const found = await bisect(members, async (part: readonly Member[], alphaShare) => {
    const candidate = mergeCandidate(head, part, norms);
    const result = await testCandidate(evaluator, head, candidate, alpha * alphaShare);
    return result.decision === "pass" ? { candidate, result } : null;
  });

  if (found.failed.length > 0) {
    const ids = found.failed.map(({ row }) => row.id);
    const message = "a model with it was not shown to be as good as the one before";
    await ledger.refuseWaiting(ids, { code: "gate-failed", message }, clock());
  }
  if (found.passed !== null) {
    const { candidate, result } = found.passed.result;
    const gate = {
      decision: "pass",
      examples: result.examples,
      meanDifferenceNats: result.meanDifference,
      evaluations: found.evaluations,
    } as const;
    const report = await reportOf(evaluator, head, candidate);
    const fence = fences.get(head.model) ?? -1;
    const published = await publishCandidate(context, head, candidate, { report, gate }, fence);
    if (!published) throw new Error(`${head.model}: another relay publishes this model now`);
  }
  await ledger.appendEvents([{ type: "health", data: await modelHealthOf(context, head.model) }]);
  return { again: true };
}

async function reportOf(
  evaluator: Evaluator,
  { model, checkpoint }: Head,
  { step }: Candidate,
): Promise<Metrics> {
  return metricsOf(await evaluator.evaluate({ model, set: "report", checkpoint, step }));
}
