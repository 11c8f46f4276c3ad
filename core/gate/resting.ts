/** Work on a model's head that had nothing to gain. */
export type VainWork = {
  readonly count: number;
  /** When the last of it was turned away, in milliseconds. */
  readonly lastAt: number;
};

const FIRST_REST_MS = 60_000; // about what a cohort takes from its tickets to its gate
const LONGEST_REST_MS = 3600_000; // other data and other draws may gain where the last ones did not

/**
 * Until when, in milliseconds, a model gives out no work because there is nothing to gain (protocol H27); null while there may be.
 * After each full cohort of work on the head that comes to nothing the model rests, twice as long each time, up to an hour. A new
 * version begins anew, since nothing on it has come to nothing yet.
 */
export function restsUntil({ count, lastAt }: VainWork, cohortSize: number): number | null {
  const cohorts = Math.floor(count / cohortSize);
  if (cohorts === 0) return null;
  let restMs = FIRST_REST_MS;
  for (let cohort = 1; cohort < cohorts && restMs < LONGEST_REST_MS; cohort++) restMs *= 2;
  return lastAt + Math.min(restMs, LONGEST_REST_MS);
}
