const VERSIONS_BEHIND = 2; // at most, as a rule, that work in flight falls while it is trained

/**
 * How many contributions close a cohort (protocol G18): the recipe's `cohortSize`, and more where many volunteers
 * train at once, so that what is `outstanding` now comes back at most two versions late. Without it a thousand
 * volunteers would publish a hundred versions while one piece trains, and all of it would be stale.
 */
export function cohortSizeFor(cohortSize: number, outstanding: number): number {
  return Math.max(cohortSize, Math.ceil(outstanding / VERSIONS_BEHIND));
}
