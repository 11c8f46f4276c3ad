import type { Attack } from "../community/attacks.ts";
import type { CommunityReport, ContributionReport, Probe } from "../community/report.ts";
import { table } from "./markdown.ts";

/** Ways to look at a contribution, and what its looks take of the relay's time in such a run, in seconds, if measured. */
const LOOKS: readonly {
  readonly name: string;
  passes(probe: Probe): boolean;
  secondsOf?(report: CommunityReport): number;
}[] = [
  {
    name: "agreement with the reference",
    passes: ({ passes }) => passes.agreement,
    secondsOf: ({ relaySeconds }) => relaySeconds.reference + relaySeconds.screen,
  },
  { name: "likeness to others", passes: ({ passes }) => passes.likeness },
  {
    name: "slope on held-out examples, as the score tolerates",
    passes: ({ passes }) => passes.slope,
    secondsOf: ({ probeSeconds }) => probeSeconds.screen,
  },
  { name: "slope, none upwards", passes: ({ slopeNats }) => slopeNats <= 0 }, // the same slope, looked at once
  {
    name: "exact score",
    passes: ({ passes }) => passes.score,
    secondsOf: ({ probeSeconds }) => probeSeconds.score,
  },
];

/** What each look lets through of every attack's lies, and refuses of the honest work beside them. */
export function screenTable(
  attacked: readonly { readonly attack: Attack; readonly reports: readonly CommunityReport[] }[],
): string {
  const rows = attacked.map(({ attack, reports }) => {
    const lies = probesOf(reports, true);
    const share = (passes: (probe: Probe) => boolean) =>
      (100 * lies.filter(passes).length) / lies.length;
    return [attack, ...LOOKS.map(({ passes }) => `${share(passes).toFixed(0)}%`)];
  });
  const every = attacked.flatMap(({ reports }) => reports);
  const honest = probesOf(every, false);
  const refused = LOOKS.map(
    ({ passes }) => `${honest.filter((probe) => !passes(probe)).length} of ${honest.length}`,
  );
  const count = every.reduce((sum, { contributions }) => sum + contributions.length, 0);
  const times = LOOKS.map(({ secondsOf }) => {
    if (secondsOf === undefined) return "";
    const seconds = every.reduce((sum, report) => sum + secondsOf(report), 0);
    return `${((1000 * seconds) / count).toFixed(1)} ms`;
  });
  return table(
    ["lies let through", ...LOOKS.map(({ name }) => name)],
    [...rows, ["honest work refused", ...refused], ["relay's time for each", ...times]],
  );
}

function probesOf(reports: readonly CommunityReport[], isLie: boolean): Probe[] {
  const all: ContributionReport[] = reports.flatMap(({ contributions }) => contributions);
  return all.flatMap((each) => (each.isLie === isLie && each.probe !== null ? [each.probe] : []));
}
