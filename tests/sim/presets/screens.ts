import type { Attack } from "../community/attacks.ts";
import type { CommunityReport, ContributionReport, Probe } from "../community/report.ts";
import { table } from "./markdown.ts";

/** Ways to look at a contribution, and what one look takes of the relay's time in such a run, in seconds. */
const LOOKS: readonly {
  readonly name: string;
  readonly look: keyof Probe["passes"];
  secondsOf(report: CommunityReport): number;
}[] = [
  {
    name: "agreement with the reference",
    look: "agreement",
    secondsOf: ({ relaySeconds }) => relaySeconds.reference + relaySeconds.screen,
  },
  { name: "likeness to others", look: "likeness", secondsOf: () => 0 },
  {
    name: "slope on held-out examples",
    look: "slope",
    secondsOf: ({ probeSeconds }) => probeSeconds.screen,
  },
  { name: "exact score", look: "score", secondsOf: ({ probeSeconds }) => probeSeconds.score },
];

/** What each look lets through of every attack's lies, and refuses of the honest work beside them. */
export function screenTable(
  attacked: readonly { readonly attack: Attack; readonly reports: readonly CommunityReport[] }[],
): string {
  const rows = attacked.map(({ attack, reports }) => {
    const lies = probesOf(reports, true);
    const share = (look: keyof Probe["passes"]) =>
      (100 * lies.filter(({ passes }) => passes[look]).length) / lies.length;
    return [attack, ...LOOKS.map(({ look }) => `${share(look).toFixed(0)}%`)];
  });
  const every = attacked.flatMap(({ reports }) => reports);
  const honest = probesOf(every, false);
  const refused = LOOKS.map(
    ({ look }) => `${honest.filter(({ passes }) => !passes[look]).length} of ${honest.length}`,
  );
  const count = every.reduce((sum, { contributions }) => sum + contributions.length, 0);
  const times = LOOKS.map(({ secondsOf }) => {
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
