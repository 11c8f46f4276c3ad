import { lagBehind, mostAccurate } from "../../core/gate/drift.ts";
import type { VersionSummary } from "../../core/protocol/schemas/version.ts";
import { formatPercent, formatPoints } from "../words/quantities.ts";

/** How far the head lies behind an earlier version, where that is more than chance. */
export type Drift = {
  readonly state: "warning" | "alarm";
  /** One plain sentence. */
  readonly why: string;
};

const WARNING = 2; // standard errors: one head in forty by chance, if it is no worse
const ALARM = 4; // not by chance in any history

/**
 * Compare the newest of `versions`, newest first, with the most accurate of them and with the release. Each version passed a
 * test against its parent, within a margin: many small losses in a row pass, and this finds them.
 */
export function judgeDrift(
  versions: readonly VersionSummary[],
  release: { readonly version: number; readonly tag: string } | null,
): Drift | null {
  const head = versions[0];
  const best = mostAccurate(versions);
  if (head === undefined || best === null) return null;
  const released = versions.find(({ number }) => number === release?.version);
  const fromBest = behind(head, best, `version ${best.number}, the best so far`);
  const fromRelease =
    released === undefined ? null : behind(head, released, `the release ${release?.tag}`);
  if (fromRelease?.state === "alarm") return fromRelease;
  return fromBest ?? fromRelease;
}

function behind(head: VersionSummary, other: VersionSummary, name: string): Drift | null {
  const lag = lagBehind(head, other);
  if (lag === null || lag.sigma < WARNING) return null;
  const why = `Version ${head.number} is right on ${formatPercent(head.report.accuracy)}, ${formatPoints(-lag.loss)} points from ${name}, though every version in between passed its tests.`;
  return { state: lag.sigma < ALARM ? "warning" : "alarm", why };
}
