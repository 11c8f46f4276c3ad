import { judgedRow, type Row } from "../../../bench/figures.ts";
import { drawBars } from "../charts/bar-chart.ts";
import { ATTACKS, type Attack } from "../community/attacks.ts";
import { DEFENCES, type Defence } from "../community/relay.ts";
import type { CommunityReport } from "../community/report.ts";
import { type CommunitySpec, community } from "../runs/spec.ts";
import { formatInterval, type Interval } from "./interval.ts";
import { table } from "./markdown.ts";
import { budgetRows, gainOf, type Preset, type PresetContext, paired, runSeeds } from "./preset.ts";
import { screenTable } from "./screens.ts";

const VOLUNTEERS = 12; // 12, 25 and 40% of them are 1, 3 and 5
const JUDGED_SHARE = 0.25;
const MOST_LOST = 5; // percent of the gain
const MOST_BACKDOOR = 1; // percent of the triggered images

/** What liars cost, by what they do, how many they are and what holds against them. */
export const attacks: Preset = async (context) => {
  const { isQuick } = context;
  const versions = isQuick ? 10 : 16;
  const shares = isQuick ? [JUDGED_SHARE] : [0.12, JUDGED_SHARE, 0.4];
  const found = await attackedBy(context, versions, shares);
  const left: readonly (readonly Defence[])[] = isQuick
    ? [DEFENCES]
    : [DEFENCES, ...DEFENCES.map((defence) => [defence])];
  const without = await undefended(context, versions, left);
  const judged = found.filter(({ share }) => share === JUDGED_SHARE);
  return {
    rows: [
      ...judgedRows(judged),
      ...budgetRows(
        "digits",
        judged.flatMap(({ reports }) => reports),
      ),
    ],
    markdown: [
      `digits, ${VOLUNTEERS} volunteers, ${versions} pieces each; every run beside one without the liars' places.`,
      lossTable(found, shares),
      `Without defences, ${100 * JUDGED_SHARE}% liars, one seed: percent of the gain that is lost.`,
      withoutTable(without, left),
      "What each look at a contribution lets through, whatever became of it, and what it refuses of honest work:",
      screenTable(judged),
    ].join("\n\n"),
    charts: [chartOf(found, shares)],
  };
};

type Attacked = {
  readonly attack: Attack;
  readonly share: number;
  readonly reports: readonly CommunityReport[];
  /** Percent of the gain without the liars' places that is lost. */
  readonly lost: Interval;
  /** Percent of triggered examples beyond those of the run without the liars' places. */
  readonly backdoor: Interval;
};

const isBackdoor = ({ attack }: Attacked) => attack === "backdoor";

function specOf(attack: Attack, liars: number, versions: number): CommunitySpec {
  const isProbed = liars === JUDGED_SHARE;
  return community({ volunteers: VOLUNTEERS, versions, liars, attack, isProbed, seed: "" });
}

/** The same community without the liars' places. */
function honestOf(spec: CommunitySpec): CommunitySpec {
  const liars = Math.round(spec.liars * spec.volunteers);
  return {
    ...spec,
    volunteers: spec.volunteers - liars,
    liars: 0,
    attack: "noise",
    isProbed: false,
  };
}

async function attackedBy(
  context: PresetContext,
  versions: number,
  shares: readonly number[],
): Promise<Attacked[]> {
  const cases = shares.flatMap((share) => ATTACKS.map((attack) => ({ share, attack })));
  const reports = await runSeeds(
    context,
    cases.map(({ attack, share }) => specOf(attack, share, versions)),
  );
  const honest = await runSeeds(
    context,
    shares.map((share) => honestOf(specOf("noise", share, versions))),
  );
  return cases.map(({ attack, share }, i) => {
    const attacked = reports[i]!;
    const beside = honest[shares.indexOf(share)]!;
    const lost = paired(attacked, beside, lostPercent);
    const backdoor = paired(
      attacked,
      beside,
      (one, other) => 100 * (one.backdoor.last - other.backdoor.last),
    );
    return { attack, share, reports: attacked, lost, backdoor };
  });
}

function lostPercent(attacked: CommunityReport, honest: CommunityReport): number {
  return 100 * (1 - gainOf("digits", attacked) / gainOf("digits", honest));
}

function judgedRows(judged: readonly Attacked[]): Row[] {
  const worst = judged.reduce((a, b) => (b.lost.mean > a.lost.mean ? b : a));
  const honest = judged.flatMap(({ reports }) =>
    reports.flatMap(({ contributions }) => contributions.filter(({ isLie }) => !isLie)),
  );
  const refused = honest.filter(({ fate }) => fate !== "merged" && fate !== "stale");
  const backdoor = judged.find(isBackdoor)!.backdoor;
  const lies = `${100 * JUDGED_SHARE}% liars`;
  return [
    judgedRow(
      {
        what: `${lies}, worst attack (${worst.attack}): gain lost`,
        value: worst.lost.mean,
        unit: "%",
        against: `95% interval ± ${worst.lost.half.toFixed(1)}`,
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
        against: `95% interval ± ${backdoor.half.toFixed(2)}`,
      },
      "<=",
      MOST_BACKDOOR,
    ),
  ];
}

function lossTable(found: readonly Attacked[], shares: readonly number[]): string {
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

/** [attack][what is left out]: percent of the gain that is lost, on the first seed. */
async function undefended(
  { run, seeds }: PresetContext,
  versions: number,
  left: readonly (readonly Defence[])[],
): Promise<number[][]> {
  const seed = seeds[0]!;
  const spec = (attack: Attack, without: readonly Defence[]) => ({
    ...specOf(attack, JUDGED_SHARE, versions),
    isProbed: false,
    without,
    seed,
  });
  const reports = await run(ATTACKS.flatMap((attack) => left.map((each) => spec(attack, each))));
  const honest = await run(left.map((each) => honestOf(spec("noise", each))));
  return ATTACKS.map((_, a) =>
    left.map((_, l) => lostPercent(reports[a * left.length + l]!, honest[l]!)),
  );
}

function withoutTable(lost: readonly number[][], left: readonly (readonly Defence[])[]): string {
  const heads = left.map((each) => (each.length === 1 ? each[0]! : "all of them"));
  return table(
    ["attack", ...heads],
    ATTACKS.map((attack, a) => [attack, ...lost[a]!.map((one) => `${one.toFixed(1)}%`)]),
  );
}

function chartOf(found: readonly Attacked[], shares: readonly number[]) {
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
