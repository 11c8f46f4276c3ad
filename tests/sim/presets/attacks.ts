import { ATTACKS, type Attack } from "../community/attacks.ts";
import { DEFENCES, type Defence } from "../community/relay.ts";
import type { CommunityReport } from "../community/report.ts";
import { type CommunitySpec, community } from "../runs/spec.ts";
import { type Attacked, judgedRows, lossChart, lossTable, withoutTable } from "./attack-tables.ts";
import { budgetRows, gainOf, type Preset, type PresetContext, paired, runSeeds } from "./preset.ts";
import { screenTable } from "./screens.ts";

const VOLUNTEERS = 12; // 12, 25 and 40% of them are 1, 3 and 5
const VERSIONS = 10;
const JUDGED_SHARE = 0.25; // on every seed; other shares are looked at on the first

/** What liars cost, by what they do, how many they are and what holds against them. */
export const attacks: Preset = async (context) => {
  const { isQuick } = context;
  const oneSeed = { ...context, seeds: context.seeds.slice(0, 1) };
  const judged = await attackedBy(context, JUDGED_SHARE);
  const found = isQuick
    ? judged
    : [...(await attackedBy(oneSeed, 0.12)), ...judged, ...(await attackedBy(oneSeed, 0.4))];
  const shares = [...new Set(found.map(({ share }) => share))];
  const undefended = isQuick ? [] : await withoutDefences(context);
  return {
    rows: [
      ...judgedRows(judged),
      ...budgetRows(
        "digits",
        judged.flatMap(({ reports }) => reports),
      ),
    ],
    markdown: [
      `digits, ${VOLUNTEERS} volunteers, ${VERSIONS} pieces each; every run beside one without the liars' places.`,
      lossTable(found, shares),
      ...undefended,
      "What each look at a contribution lets through, whatever became of it, and what it refuses of honest work:",
      screenTable(judged),
    ].join("\n\n"),
    charts: [lossChart(found, shares)],
  };
};

function specOf(attack: Attack, liars: number): CommunitySpec {
  const isProbed = liars === JUDGED_SHARE;
  return community({
    volunteers: VOLUNTEERS,
    versions: VERSIONS,
    liars,
    attack,
    isProbed,
    seed: "",
  });
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

async function attackedBy(context: PresetContext, share: number): Promise<Attacked[]> {
  const reports = await runSeeds(
    context,
    ATTACKS.map((attack) => specOf(attack, share)),
  );
  const [honest] = await runSeeds(context, [honestOf(specOf("noise", share))]);
  return ATTACKS.map((attack, i) => {
    const attacked = reports[i]!;
    const lost = paired(attacked, honest!, lostPercent);
    const backdoor = paired(
      attacked,
      honest!,
      (one, other) => 100 * (one.backdoor.last - other.backdoor.last),
    );
    return { attack, share, reports: attacked, lost, backdoor };
  });
}

function lostPercent(attacked: CommunityReport, honest: CommunityReport): number {
  return 100 * (1 - gainOf("digits", attacked) / gainOf("digits", honest));
}

/** What is lost on the first seed without all defences, and without each. */
async function withoutDefences({ run, seeds }: PresetContext): Promise<string[]> {
  const left = [DEFENCES, ...DEFENCES.map((defence) => [defence])];
  const seed = seeds[0]!;
  const spec = (attack: Attack, without: readonly Defence[]) => ({
    ...specOf(attack, JUDGED_SHARE),
    isProbed: false,
    without,
    seed,
  });
  const reports = await run(ATTACKS.flatMap((attack) => left.map((each) => spec(attack, each))));
  const honest = await run(left.map((each) => honestOf(spec("noise", each))));
  const lost = ATTACKS.map((_, a) =>
    left.map((_, l) => lostPercent(reports[a * left.length + l]!, honest[l]!)),
  );
  return [
    `Without defences, ${100 * JUDGED_SHARE}% liars, one seed: percent of the gain that is lost.`,
    withoutTable(lost, left),
  ];
}
