import type { VersionSummary } from "../protocol/schemas/version.ts";

/** How far a version lies behind an earlier one. */
export type Lag = {
  /** Share of the examples that it has wrong in addition. */
  readonly loss: number;
  /** The same in standard errors of the earlier version's accuracy. */
  readonly sigma: number;
};

const LEAST_LOSS = 0.002; // a fifth of a point: less is nobody's worry, on however many examples

/** How far `head` lies behind `other` on the report set; null where that is too little to speak of. */
export function lagBehind(head: VersionSummary, other: VersionSummary): Lag | null {
  const loss = other.report.accuracy - head.report.accuracy;
  const { accuracy, examples } = other.report;
  const error = Math.sqrt((accuracy * (1 - accuracy)) / examples);
  return loss < LEAST_LOSS ? null : { loss, sigma: loss / error };
}

/** The most accurate of `versions`, the newest of several; null without any. */
export function mostAccurate(versions: readonly VersionSummary[]): VersionSummary | null {
  return versions.reduce<VersionSummary | null>(
    (best, each) => (best === null || each.report.accuracy > best.report.accuracy ? each : best),
    null,
  );
}
