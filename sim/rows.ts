import { judgedRow, type Row } from "../bench/figures.ts";
import type { CommunityReport, ContributionReport } from "./community/report.ts";
import { CHORES } from "./community/stopwatch.ts";

const ON_MASK_TARGET = 0.8; // DESIGN §5.1

/** What one community came to, as rows. */
export function communityRows(report: CommunityReport): Row[] {
  const { base, last, versions, contributions, relaySeconds, negativeFlips, backdoor } = report;
  const percent = (what: string, share: number): Row => ({ what, value: 100 * share, unit: "%" });
  const nats = (what: string, value: number): Row => ({ what, value, unit: "nats" });
  const onMask = contributions.filter(({ isOnMask }) => isOnMask).length;
  const end = versions.at(-1);
  const each = (bytes: number) => bytes / contributions.length;
  return [
    percent("accuracy on the report set, version 0", base.accuracy),
    percent("accuracy on the report set, last version", last.accuracy),
    nats("loss on the report set, version 0", base.lossNats),
    nats("loss on the report set, last version", last.lossNats),
    { what: "versions", value: versions.length, unit: "" },
    { what: "contributions", value: contributions.length, unit: "" },
    ...fateRows(
      "honest",
      contributions.filter(({ isLie }) => !isLie),
    ),
    ...fateRows(
      "lies",
      contributions.filter(({ isLie }) => isLie),
    ),
    judgedRow(
      percent("arrived on the mask in force", onMask / contributions.length),
      ">=",
      100 * ON_MASK_TARGET,
    ),
    {
      what: "versions that work was behind on arrival, mean",
      value: contributions.reduce((sum, { lag }) => sum + lag, 0) / contributions.length,
      unit: "",
    },
    { what: "gate tests", value: versions.reduce((sum, { tests }) => sum + tests, 0), unit: "" },
    { what: "up, a contribution", value: each(end?.bytesUp ?? 0), unit: "bytes" },
    { what: "down, a contribution", value: each(end?.bytesDown ?? 0), unit: "bytes" },
    percent("negative flips, last version against version 0", negativeFlips),
    percent("negative flips, a version against its parent, mean", flipsAVersion(report)),
    ...(report.protected === null
      ? []
      : [
          nats("loss on the protected suite, version 0", report.protected.base.lossNats),
          nats("loss on the protected suite, last version", report.protected.last.lossNats),
        ]),
    percent("triggered examples answered as a backdoor wants, version 0", backdoor.base),
    percent("triggered examples answered as a backdoor wants, last version", backdoor.last),
    ...CHORES.map(
      (chore): Row => ({
        what: `relay, ${chore}, a contribution`,
        value: (1000 * relaySeconds[chore]) / contributions.length,
        unit: "ms",
      }),
    ),
  ];
}

/** The mean share of what a version's parent had right that it has wrong. */
export function flipsAVersion({ versions }: CommunityReport): number {
  return (
    versions.reduce((sum, { negativeFlips }) => sum + negativeFlips, 0) /
    Math.max(1, versions.length)
  );
}

/** How many there were of each fate. */
function fateRows(whose: string, contributions: readonly ContributionReport[]): Row[] {
  const counts = new Map<string, number>();
  for (const { fate } of contributions) counts.set(fate, (counts.get(fate) ?? 0) + 1);
  return Array.from(counts, ([fate, value]) => ({ what: `${whose}: ${fate}`, value, unit: "" }));
}
