import { judgedRow, type Row } from "../../bench/figures.ts";
import { drawBars } from "../charts/bar-chart.ts";
import type { Attack } from "../community/attacks.ts";
import type { CommunityReport } from "../community/report.ts";
import type { Attacked } from "./attacked.ts";
import { describeInterval, formatInterval, intervalOf } from "./interval.ts";
import { table } from "./markdown.ts";

const MOST_LOST = 5; // percent of the gain
const MOST_BACKDOOR = 1; // percent of the triggered images

const isBackdoor = ({ attack }: Attacked) => attack === "backdoor";

/** Judged by the worst attack, by honest work that is refused, and by the backdoor. */
export function judgedRows(judged: readonly Attacked[]): Row[] {
  const worst = judged.reduce((a, b) => (b.lost.mean > a.lost.mean ? b : a));
  const honest = judged.flatMap(({ reports }) =>
    reports.flatMap(({ contributions }) => contributions.filter(({ isLie }) => !isLie)),
  );
  const refused = honest.filter(({ fate }) => fate !== "merged" && fate !== "stale");
  const backdoor = judged.find(isBackdoor)!.backdoor;
  const lies = judged[0]!.name;
  return [
    judgedRow(
      {
        what: `${lies}, worst attack (${worst.attack}): gain lost`,
        value: worst.lost.mean,
        unit: "%",
        against: describeInterval(worst.lost, 1),
      },
      "<=",
      MOST_LOST,
    ),
    judgedRow(
      {
        what: `${lies}: honest contributions refused`,
        value: refused.length,
        unit: "",
        against: `of ${honest.length}`,
      },
      "<=",
      0,
    ),
    judgedRow(
      {
        what: `${lies}: backdoor's success beyond the honest run's`,
        value: backdoor.mean,
        unit: "%",
        against: describeInterval(backdoor, 2),
      },
      "<=",
      MOST_BACKDOOR,
    ),
  ];
}

const namesOf = (found: readonly Attacked[]) => [...new Set(found.map(({ name }) => name))];
const attacksOf = (found: readonly Attacked[]) => [...new Set(found.map(({ attack }) => attack))];
const pick = (found: readonly Attacked[], attack: Attack, name: string) =>
  found.find((each) => each.attack === attack && each.name === name)!;

/** What each attack costs and how many lies and how many others are merged, by how many lie. */
export function lossTable(found: readonly Attacked[]): string {
  const names = namesOf(found);
  const cells = attacksOf(found).map((attack) => [
    attack,
    ...names.flatMap((name) => {
      const { lost, reports } = pick(found, attack, name);
      const merged = `${mergedOf(reports, true)}; ${mergedOf(reports, false)}`;
      return [`${formatInterval(lost, 1)}%`, merged];
    }),
  ]);
  const heads = names.flatMap((name) => [`gain lost, ${name}`, "merged: lies; honest"]);
  return table(["attack", ...heads], cells);
}

/** How many lies, or others, were merged, such as "4 of 31". */
function mergedOf(reports: readonly CommunityReport[], areLies: boolean): string {
  const all = reports.flatMap(({ contributions }) =>
    contributions.filter(({ isLie }) => isLie === areLies),
  );
  return `${all.filter(({ fate }) => fate === "merged").length} of ${all.length}`;
}

/** How many triggered examples each case's last version answers as the backdoor wants. */
export function backdoorSentence(found: readonly Attacked[]): string {
  const cases = found.filter(isBackdoor);
  const percentOf = (reports: readonly CommunityReport[], when: "base" | "last") =>
    `${formatInterval(intervalOf(reports.map(({ backdoor }) => 100 * backdoor[when])), 2)}%`;
  const [{ honest }] = cases as [Attacked];
  const shares = cases.map(({ name, reports }) => `${percentOf(reports, "last")} (${name})`);
  return `Triggered examples that are answered as the backdoor wants: ${percentOf(honest, "base")} by version 0; by the last version ${percentOf(honest, "last")} (nobody lies), ${shares.join(", ")}.`;
}

/** `lost` [attack][column], in percent. */
export function withoutTable(
  attacks: readonly Attack[],
  lost: readonly number[][],
  heads: readonly string[],
): string {
  return table(
    ["attack", ...heads],
    attacks.map((attack, a) => [attack, ...lost[a]!.map((one) => `${one.toFixed(1)}%`)]),
  );
}

/** The same losses as bars. */
export function lossChart(found: readonly Attacked[]) {
  const title = "Gain of digits that liars cost, by attack";
  const names = namesOf(found);
  const svg = drawBars({
    title,
    label: "gain lost, %",
    kinds: names,
    groups: attacksOf(found).map((attack) => ({
      name: attack,
      bars: names.map((name) => pick(found, attack, name).lost),
    })),
    targets: [{ name: `target: ${MOST_LOST}%`, y: MOST_LOST }],
  });
  return { name: "attacks", title, svg };
}
