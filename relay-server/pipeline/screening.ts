import type { Head } from "./head.ts";
import { readMember } from "./member.ts";
import type { PipelineParts, StepResult } from "./pipeline.ts";
import { scoreMember } from "./scoring.ts";

const SCORED_A_STEP = 8; // then the pipeline looks whether a cohort is due

/** Score what was received, in its order: queue it for a merge, or refuse it as harmful. */
export async function scoreWaiting(
  { context, evaluator, positionsOf }: PipelineParts,
  head: Head,
  otherwise: StepResult,
): Promise<StepResult> {
  const { ledger, clock } = context;
  const received = await ledger.waiting(head.model, "received", SCORED_A_STEP);
  for (const row of received) {
    const member = await readMember(context, positionsOf, head, row);
    const score = await scoreMember(evaluator, head, member);
    if (score <= head.recipe.score.toleranceNats) {
      await ledger.passScreen(row.id, null, clock());
      await ledger.passScore(row.id, score, clock());
      await ledger.queue(row.id, clock());
    } else {
      // no figures: with them, work could be fitted to the held-out set
      const message = "with it the model does worse on held-out examples";
      await ledger.refuseWaiting([row.id], { code: "harmful", message }, clock());
    }
  }
  return received.length > 0 ? { again: true } : otherwise;
}
