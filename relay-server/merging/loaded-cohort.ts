import type { MergeMembers } from "../../core/merge/candidate.ts";
import { namedMasks } from "../../core/patch/named-masks.ts";
import type { Head } from "../history/head.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import type { WaitingMember } from "./member.ts";

/**
 * What `use` comes to, which merges members of a cohort in the model's thread. All of them are sent there once, and it forgets them
 * afterwards: patches and Fisher weights take much memory, and the thread lasts.
 */
export async function withLoadedCohort<T>(
  evaluator: Pick<Evaluator, "loadCohort" | "merge">,
  { model, checkpoint, recipe }: Pick<Head, "model" | "checkpoint" | "recipe">,
  cohort: readonly WaitingMember[],
  use: (merge: MergeMembers<WaitingMember>) => Promise<T>,
): Promise<T> {
  const { rule, outerStep } = recipe.merge;
  const members = cohort.map(({ row: _, mask: __, ...member }) => member);
  try {
    await evaluator.loadCohort(model, members);
    return await use(async (part, multipliers) => {
      const step = await evaluator.merge(model, {
        ...{ checkpoint, members: part.map(({ id }) => id), multipliers },
        rules: { rule, outerStep },
      });
      const masks = namedMasks(part.map(({ mask }) => mask));
      return masks === null ? step : { ...step, masks };
    });
  } finally {
    await evaluator.loadCohort(model, []).catch(() => {}); // a thread that has ended has forgotten it, too
  }
}
