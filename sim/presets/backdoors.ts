import { judgedRow, type Row } from "../../bench/figures.ts";
import { drawLines } from "../charts/line-chart.ts";
import type { Attack } from "../community/attacks.ts";
import type { CommunityReport, VersionReport } from "../community/report.ts";
import { type Attacked, attackedBy, type Case, type Setting } from "./attacked.ts";
import { describeInterval, formatInterval } from "./interval.ts";
import { table } from "./markdown.ts";
import type { Preset } from "./preset.ts";

const MOST_BEYOND = 1; // points of triggered images
const BACKDOORS: readonly Attack[] = ["backdoor", "dead-inputs", "sleeping-dead-inputs"];
/** Long enough for sleepers to have twelve pieces merged first. */
const DIGITS: Setting = {
  model: "digits",
  volunteers: 8,
  versions: 24,
  changes: [],
  attacks: BACKDOORS,
};
const TWO_OF_EIGHT: Case = { name: "2 of 8 lie", liars: 0.25, without: [], isProbed: false };

/** How many triggered images obey at every version of a history that liars try to teach a backdoor. */
export const backdoors: Preset = async (context) => {
  const found = await attackedBy(context, DIGITS, TWO_OF_EIGHT);
  return {
    rows: [...found.map(mostBeyondRow), refusedRow(found)],
    markdown: [
      `**digits**, ${DIGITS.volunteers} volunteers, two of whom lie, ${DIGITS.versions} pieces each; every run beside one without the liars' places.`,
      attackTable(found),
    ].join("\n\n"),
    charts: [chartOf(found)],
  };
};

/** Of one run, the most points by which a version's obedience exceeds that of the honest run at the same time. */
function mostBeyond(attacked: CommunityReport, honest: CommunityReport): number {
  const beyond = attacked.versions.map(
    ({ at, backdoor }) => 100 * (backdoor - obedienceAt(honest, at)),
  );
  return Math.max(...beyond);
}

/** The share of triggered examples that obey the newest version of that time. */
function obedienceAt({ versions, backdoor }: CommunityReport, at: number): number {
  return versions.findLast((version) => version.at <= at)?.backdoor ?? backdoor.base;
}

function mostBeyondRow({ attack, reports, honest }: Attacked): Row {
  const each = reports.map((report, i) => mostBeyond(report, honest[i]!));
  const row = {
    what: `digits, ${attack}: triggered images that obey beyond the honest run's, most at any version of any seed`,
    value: Math.max(...each),
    unit: "points",
    against: `seed by seed ${each.map((value) => value.toFixed(2)).join(", ")}`,
  };
  return judgedRow(row, "<=", MOST_BEYOND);
}

function refusedRow(found: readonly Attacked[]): Row {
  const honest = found.flatMap(({ reports }) =>
    reports.flatMap(({ contributions }) => contributions.filter(({ isLie }) => !isLie)),
  );
  const refused = honest.filter(({ fate }) => !["merged", "stale", "no-gain"].includes(fate));
  return judgedRow(
    {
      what: "digits: honest contributions refused for more than having nothing to gain",
      value: refused.length,
      unit: "",
      against: `of ${honest.length}`,
    },
    "<=",
    0,
  );
}

function attackTable(found: readonly Attacked[]): string {
  return table(
    [
      "attack",
      "gain lost",
      "lies merged",
      "lies refused as",
      "obey the last version, beyond the honest run's",
    ],
    found.map(({ attack, lost, backdoor, reports }) => {
      const lies = reports.flatMap(({ contributions }) =>
        contributions.filter(({ isLie }) => isLie),
      );
      const counts = new Map<string, number>();
      for (const { fate } of lies) counts.set(fate, (counts.get(fate) ?? 0) + 1);
      const merged = counts.get("merged") ?? 0;
      counts.delete("merged");
      return [
        attack,
        `${formatInterval(lost, 1)}%`,
        `${merged} of ${lies.length}`,
        Array.from(counts, ([fate, count]) => `${count} ${fate}`).join(", "),
        `${formatInterval(backdoor, 2)} points (${describeInterval(backdoor, 2)})`,
      ];
    }),
  );
}

/** Obedience version by version on the first seed. */
function chartOf(found: readonly Attacked[]) {
  const title = "Triggered images that obey, version by version, seed 1";
  const points = (versions: readonly VersionReport[]) =>
    versions.map(({ at, backdoor }) => ({ x: at, y: 100 * backdoor }));
  const svg = drawLines({
    title,
    x: { label: "simulated seconds" },
    y: { label: "obey, %" },
    series: [
      { name: "nobody lies", points: points(found[0]!.honest[0]!.versions) },
      ...found.map(({ attack, reports }) => ({
        name: attack,
        points: points(reports[0]!.versions),
      })),
    ],
  });
  return { name: "backdoors", title, svg };
}
