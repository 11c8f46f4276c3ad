import { MAX_MERGE_INPUTS } from "./patch-sum.ts";

const VERSIONS_BEHIND = 2; // at most, as a rule, that work in flight falls while it is trained

/**
 * How many contributions close a cohort (protocol G18): the recipe's `cohortSize`, and more where many volunteers
 * train at once, so that what is `outstanding` now comes back at most two versions late. Without it a thousand
 * volunteers would publish a hundred versions while one piece trains, and all of it would be stale. What came in and is
 * `waiting` for judging or for a merge goes into one cohort: in several, each but the first would mend what is mended.
 */
export function cohortSizeFor(
  cohortSize: number,
  { outstanding, waiting }: { readonly outstanding: number; readonly waiting: number },
): number {
  const size = Math.max(cohortSize, Math.ceil(outstanding / VERSIONS_BEHIND), waiting);
  return Math.min(size, MAX_MERGE_INPUTS);
}
