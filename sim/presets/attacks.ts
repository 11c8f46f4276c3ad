import { ATTACKS, takesFreshKeys } from "../community/attacks.ts";
import { DEFENCES } from "../community/relay.ts";
import {
  backdoorSentence,
  judgedRows,
  lossChart,
  lossTable,
  withoutTable,
} from "./attack-tables.ts";
import {
  type Attacked,
  attackedBy,
  type Case,
  honestOf,
  lostPercent,
  type Setting,
  specOf,
} from "./attacked.ts";
import { budgetRows, type Preset, type PresetContext } from "./preset.ts";
import { screenTable } from "./screens.ts";

const DIGITS: Setting = {
  model: "digits",
  volunteers: 12,
  versions: 10,
  changes: [],
  attacks: ATTACKS.filter((attack) => !takesFreshKeys(attack)), // longer histories show those: backdoors.ts
};
/** So many of them lie, by the target. */
const JUDGED: Case = { name: "3 of 12 lie", liars: 0.25, without: [], isProbed: true };
const UNDEFENDED: Case = {
  name: "3 of 12, no defences",
  liars: 0.25,
  without: DEFENCES,
  isProbed: false,
};
/** Looked at on the first seed alone. */
const FEWER: Case = { name: "1 of 12 lies", liars: 0.12, without: [], isProbed: false };
const MORE: Case = { name: "5 of 12 lie", liars: 0.4, without: [], isProbed: false };

const PRESIDENTS: Setting = {
  model: "presidents",
  volunteers: 4,
  versions: 3,
  changes: ["merge.cohortSize=3"], // else so few merge once, all of the same base
  attacks: ["sign-flip", "label-permutation", "half-work", "backdoor"],
};
const ONE_OF_FOUR: Case = { name: "1 of 4 lies", liars: 0.25, without: [], isProbed: false };
const PRESIDENTS_SEEDS = 2; // one of its runs takes as long as ten of digits

/** What liars cost, by what they do, how many they are and what holds against them. */
export const attacks: Preset = async (context) => {
  const judged = await attackedBy(context, DIGITS, JUDGED);
  const { fewer, more, undefended } = await otherCases(context);
  const found = [...fewer, ...judged, ...more];
  return {
    rows: [
      ...judgedRows(judged),
      ...budgetRows(
        "digits",
        judged.flatMap(({ reports }) => reports),
      ),
    ],
    markdown: [
      `**digits**, ${sizeOf(DIGITS)}; every run beside one without the liars' places.`,
      lossTable([...found, ...undefended]),
      backdoorSentence([...judged, ...undefended]),
      ...(context.isQuick ? [] : await withoutEach(context, judged)),
      "What each look at a contribution lets through, whatever became of it, and what it refuses of honest work:",
      screenTable(judged),
      ...(context.isQuick ? [] : await presidentsAttacked(context)),
    ].join("\n\n"),
    charts: [lossChart(found)],
  };
};

function sizeOf({ volunteers, versions }: Setting): string {
  return `${volunteers} volunteers, ${versions} pieces each`;
}

async function otherCases(
  context: PresetContext,
): Promise<Record<"fewer" | "more" | "undefended", Attacked[]>> {
  if (context.isQuick) return { fewer: [], more: [], undefended: [] };
  const oneSeed = { ...context, seeds: context.seeds.slice(0, 1) };
  return {
    fewer: await attackedBy(oneSeed, DIGITS, FEWER),
    more: await attackedBy(oneSeed, DIGITS, MORE),
    undefended: await attackedBy(context, DIGITS, UNDEFENDED),
  };
}

/** What is lost on the first seed without each defence, beside what is lost with all of them, of `judged`. */
async function withoutEach(
  { run, seeds }: PresetContext,
  judged: readonly Attacked[],
): Promise<string[]> {
  const seed = seeds[0]!;
  const specs = DEFENCES.flatMap((defence) =>
    DIGITS.attacks.map((attack) => ({
      ...specOf(DIGITS, { ...JUDGED, without: [defence], isProbed: false }, attack),
      seed,
    })),
  );
  const reports = await run(specs);
  const honest = await run(DEFENCES.map((_, d) => honestOf(specs[d * DIGITS.attacks.length]!)));
  const lost = judged.map((each, a) => [
    lostPercent("digits", each.reports[0]!, each.honest[0]!),
    ...honest.map((one, d) => lostPercent("digits", reports[d * DIGITS.attacks.length + a]!, one)),
  ]);
  return [
    `Without one of the defences, ${JUDGED.name}, seed ${seed} alone: percent of the gain that is lost.`,
    withoutTable(DIGITS.attacks, lost, ["none left out", ...DEFENCES]),
  ];
}

/** The same on the other model, with few attacks and seeds. */
async function presidentsAttacked(context: PresetContext): Promise<string[]> {
  const fewSeeds = { ...context, seeds: context.seeds.slice(0, PRESIDENTS_SEEDS) };
  const found = await attackedBy(fewSeeds, PRESIDENTS, ONE_OF_FOUR);
  return [
    `**presidents**, ${sizeOf(PRESIDENTS)}, ${PRESIDENTS_SEEDS} seeds.`,
    lossTable(found),
    backdoorSentence(found),
  ];
}
