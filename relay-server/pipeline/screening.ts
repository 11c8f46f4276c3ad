import { scoreMember, validateScore } from "../../core/gate/scoring.ts";
import type { Head } from "./head.ts";
import { createJudge } from "./judge.ts";
import { readMember } from "./member.ts";
import type { PipelineParts, StepResult } from "./pipeline.ts";

const SCORED_A_STEP = 8; // then the pipeline looks whether a cohort is due

/** Score what was received, in its order: queue it for a merge, or refuse it as harmful. */
export async function scoreWaiting(
  { context, evaluator, positionsOf }: PipelineParts,
  head: Head,
  otherwise: StepResult,
): Promise<StepResult> {
  const { ledger, clock } = context;
  const judge = createJudge(evaluator, head);
  const received = await ledger.waiting(head.model, "received", SCORED_A_STEP);
  for (const row of received) {
    const member = await readMember(context, positionsOf, head, row);
    const score = await scoreMember(judge, head, member);
    const verdict = validateScore(score, head.recipe.score);
    if (verdict.ok) {
      await ledger.passScreen(row.id, null, clock());
      await ledger.passScore(row.id, score, clock());
      await ledger.queue(row.id, clock());
    } else {
      await ledger.refuseWaiting([row.id], verdict, clock());
    }
  }
  return received.length > 0 ? { again: true } : otherwise;
}
