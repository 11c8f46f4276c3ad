import { type ShareRange, shareInterval } from "../../core/gate/share-interval.ts";
import type { Metrics, VersionSummary } from "../../core/protocol/schemas/version.ts";

/** A version that a reader compares others with, why, and how good it is. */
export type VersionScore = {
  readonly number: number;
  /** "newest", "release 1.2.0", "best", "start": at least one of them. */
  readonly marks: readonly string[];
  readonly report: Metrics;
  readonly interval: ShareRange;
};

/** The version that was tagged last, and how good it is once that is known. */
export type Released = { readonly version: number; readonly tag: string; readonly report: Metrics };

/** The newest version, the release, the best of `versions`, and version 0, the newest first; one that is several of these once. */
export function versionScores(
  { head, base }: { readonly head: VersionSummary; readonly base: VersionSummary },
  versions: readonly VersionSummary[],
  release: Released | null,
): VersionScore[] {
  const best = [base, ...versions, head].reduce((best, each) =>
    each.report.accuracy > best.report.accuracy ? each : best,
  );
  const marked: readonly { number: number; mark: string; report: Metrics }[] = [
    { ...head, mark: "newest" },
    ...(release === null
      ? []
      : [{ number: release.version, mark: `release ${release.tag}`, report: release.report }]),
    { ...best, mark: "best" },
    { ...base, mark: "start" },
  ];
  const numbers = [...new Set(marked.map(({ number }) => number))].sort((a, b) => b - a);
  return numbers.map((number) => {
    const same = marked.filter((each) => each.number === number);
    const report = same[0]!.report;
    return { number, marks: same.map(({ mark }) => mark), report, interval: shareInterval(report) };
  });
}
