import { judgedRow, type Row } from "../../../bench/figures.ts";
import { drawBars } from "../charts/bar-chart.ts";
import { ATTACKS, type Attack } from "../community/attacks.ts";
import type { Defence } from "../community/relay.ts";
import type { CommunityReport } from "../community/report.ts";
import { describeInterval, formatInterval, type Interval } from "./interval.ts";
import { table } from "./markdown.ts";

const MOST_LOST = 5; // percent of the gain
const MOST_BACKDOOR = 1; // percent of the triggered images

/** What became of communities with liars. */
export type Attacked = {
  readonly attack: Attack;
  readonly share: number;
  readonly reports: readonly CommunityReport[];
  /** Percent of the gain without the liars' places that is lost. */
  readonly lost: Interval;
  /** Percent of triggered examples beyond those of the run without the liars' places. */
  readonly backdoor: Interval;
};

const isBackdoor = ({ attack }: Attacked) => attack === "backdoor";

/** Judged by the worst attack, by honest work that is refused, and by the backdoor. */
export function judgedRows(judged: readonly Attacked[]): Row[] {
  const worst = judged.reduce((a, b) => (b.lost.mean > a.lost.mean ? b : a));
  const honest = judged.flatMap(({ reports }) =>
    reports.flatMap(({ contributions }) => contributions.filter(({ isLie }) => !isLie)),
  );
  const refused = honest.filter(({ fate }) => fate !== "merged" && fate !== "stale");
  const backdoor = judged.find(isBackdoor)!.backdoor;
  const lies = `${100 * judged[0]!.share}% liars`;
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

/** What each attack costs and how many of its lies are merged, by share of liars. */
export function lossTable(found: readonly Attacked[], shares: readonly number[]): string {
  const cells = ATTACKS.map((attack) => [
    attack,
    ...shares.flatMap((share) => {
      const one = found.find((each) => each.attack === attack && each.share === share)!;
      const lies = one.reports.flatMap(({ contributions }) =>
        contributions.filter(({ isLie }) => isLie),
      );
      const merged = lies.filter(({ fate }) => fate === "merged").length;
      const backdoor = isBackdoor(one) ? `, backdoor ${formatInterval(one.backdoor, 2)}%` : "";
      return [`${formatInterval(one.lost, 1)}%${backdoor}`, `${merged} of ${lies.length}`];
    }),
  ]);
  const heads = shares.flatMap((share) => [`gain lost, ${100 * share}% liars`, "lies merged"]);
  return table(["attack", ...heads], cells);
}

/** `lost` [attack][defences left out], in percent. */
export function withoutTable(
  lost: readonly number[][],
  left: readonly (readonly Defence[])[],
): string {
  const heads = left.map((each) => (each.length === 1 ? each[0]! : "all of them"));
  return table(
    ["attack", ...heads],
    ATTACKS.map((attack, a) => [attack, ...lost[a]!.map((one) => `${one.toFixed(1)}%`)]),
  );
}

/** The same losses as bars. */
export function lossChart(found: readonly Attacked[], shares: readonly number[]) {
  const title = "Gain of digits that liars cost, by attack";
  const svg = drawBars({
    title,
    label: "gain lost, %",
    kinds: shares.map((share) => `${100 * share}% liars`),
    groups: ATTACKS.map((attack) => ({
      name: attack,
      bars: shares.map(
        (share) => found.find((each) => each.attack === attack && each.share === share)!.lost,
      ),
    })),
    targets: [{ name: `target: ${MOST_LOST}%`, y: MOST_LOST }],
  });
  return { name: "attacks", title, svg };
}
