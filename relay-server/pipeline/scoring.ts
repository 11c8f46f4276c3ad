import type { Evaluator } from "./evaluation-thread.ts";
import type { Head } from "./head.ts";
import { type Member, steppedValues } from "./member.ts";
import { metricsOf } from "./metrics.ts";

const SLICES = 3; // of the score set; each version is scored on the next, so that none can be trained against

/**
 * Step 7 of the walk: the mean rise of the held-out loss, in nats, when the head takes `stepShare` of the delta. At
 * the full step honest work would be refused late in training (DESIGN §5).
 */
export async function scoreMember(
  evaluator: Evaluator,
  head: Head,
  member: Member,
): Promise<number> {
  const { model, checkpoint, recipe, parameters } = head;
  const { positions } = member;
  const range = sliceOf(recipe.data.heldOut.score, head.number);
  const task = { model, set: "score", range, checkpoint } as const;
  const values = steppedValues(member, parameters, recipe.score.stepShare);
  const before = await evaluator.evaluate({ ...task, step: null });
  const after = await evaluator.evaluate({ ...task, step: { positions, values } });
  return metricsOf(after).lossNats - metricsOf(before).lossNats;
}

/** The part of a score set of `examples` on which contributions to version `number` are scored. */
function sliceOf(examples: number, number: number): [number, number] {
  const slices = Math.min(SLICES, examples);
  const slice = number % slices;
  return [Math.floor((slice * examples) / slices), Math.floor(((slice + 1) * examples) / slices)];
}
