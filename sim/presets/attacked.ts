import type { Attack } from "../community/attacks.ts";
import type { Defence } from "../community/relay.ts";
import type { CommunityReport } from "../community/report.ts";
import { type CommunitySpec, community } from "../runs/spec.ts";
import type { Interval } from "./interval.ts";
import { gainOf, type PresetContext, paired, runSeeds } from "./preset.ts";

/** A community that is attacked, and by what. */
export type Setting = Pick<CommunitySpec, "model" | "volunteers" | "versions" | "changes"> & {
  readonly attacks: readonly Attack[];
};

/** How many lie, and what does not hold against them. */
export type Case = {
  /** Such as "3 of 12 lie". */
  readonly name: string;
  readonly liars: number;
  readonly without: readonly Defence[];
  /** Whether every contribution is looked at in all ways. */
  readonly isProbed: boolean;
};

/** What became of communities with liars. */
export type Attacked = Pick<Case, "name"> & {
  readonly attack: Attack;
  readonly reports: readonly CommunityReport[];
  /** On the same seeds without the liars' places. */
  readonly honest: readonly CommunityReport[];
  /** Percent of the honest gain that is lost. */
  readonly lost: Interval;
  /** Percent of triggered examples beyond those of the honest runs. */
  readonly backdoor: Interval;
};

export function specOf(
  { attacks: _, ...size }: Setting,
  { name: __, ...each }: Case,
  attack: Attack,
): CommunitySpec {
  return community({ ...size, ...each, attack, seed: "" });
}

/** The same community without the liars' places. */
export function honestOf(spec: CommunitySpec): CommunitySpec {
  const liars = Math.round(spec.liars * spec.volunteers);
  return {
    ...spec,
    volunteers: spec.volunteers - liars,
    liars: 0,
    attack: "noise",
    isProbed: false,
  };
}

/** Every attack of `setting` on every seed, beside what is gained without the liars. */
export async function attackedBy(
  context: PresetContext,
  setting: Setting,
  each: Case,
): Promise<Attacked[]> {
  const { attacks, model } = setting;
  const specs = attacks.map((attack) => specOf(setting, each, attack));
  const reports = await runSeeds(context, specs);
  const [honest] = await runSeeds(context, [honestOf(specs[0]!)]);
  return attacks.map((attack, i) => ({
    name: each.name,
    attack,
    reports: reports[i]!,
    honest: honest!,
    lost: paired(reports[i]!, honest!, (a, b) => lostPercent(model, a, b)),
    backdoor: paired(reports[i]!, honest!, (a, b) => 100 * (a.backdoor.last - b.backdoor.last)),
  }));
}

/** How much of the honest gain an attack costs, in percent. */
export function lostPercent(
  model: string,
  attacked: CommunityReport,
  honest: CommunityReport,
): number {
  return 100 * (1 - gainOf(model, attacked) / gainOf(model, honest));
}
