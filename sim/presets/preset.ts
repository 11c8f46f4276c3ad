import type { Row } from "../../bench/figures.ts";
import type { CommunityReport, Curve } from "../community/report.ts";
import type { ReportOf, RunSpec } from "../runs/spec.ts";
import type { CrowdReport, CrowdSpec } from "../swarm/crowd-run.ts";
import { type Interval, intervalOf } from "./interval.ts";

const FEW_SEEDS = 2; // the least that has an interval

/** What a preset may ask for. */
export type PresetContext = {
  /** Fewer of the same runs: one seed, no tuning, not every case. */
  readonly isQuick: boolean;
  /** Seeds that a claim rests on: five, or one in a quick run. */
  readonly seeds: readonly string[];
  run<Spec extends RunSpec>(specs: readonly Spec[]): Promise<ReportOf<Spec>[]>;
  /** Crowds that pass a model on: seconds each, so that they are run anew each time. */
  crowds(specs: readonly CrowdSpec[]): CrowdReport[];
};

/** What a preset found. */
export type Presentation = {
  readonly rows: readonly Row[];
  /** Tables and what they mean. */
  readonly markdown: string;
  readonly charts: readonly {
    readonly name: string;
    readonly title: string;
    readonly svg: string;
  }[];
};

export type Preset = (context: PresetContext) => Promise<Presentation>;

/** Fewer seeds in a quick study, for presidents: one of its runs takes as long as ten of digits. */
export function withFewSeeds(context: PresetContext): PresetContext {
  return context.isQuick ? { ...context, seeds: context.seeds.slice(0, FEW_SEEDS) } : context;
}

/** What training improved: points of accuracy for images, hundredths of a nat of loss for text. */
export function gainOf(model: string, { base, last }: Pick<Curve, "base" | "last">): number {
  return model === "digits"
    ? 100 * (last.accuracy - base.accuracy)
    : 100 * (base.lossNats - last.lossNats);
}

export function gainUnit(model: string): string {
  return model === "digits" ? "points" : "0.01 nats";
}

/** The reports of each of `specs` under every seed: [spec][seed]. */
export async function runSeeds<Spec extends RunSpec>(
  { run, seeds }: PresetContext,
  specs: readonly Spec[],
): Promise<ReportOf<Spec>[][]> {
  const reports = await run(specs.flatMap((spec) => seeds.map((seed) => ({ ...spec, seed }))));
  return specs.map((_, i) => reports.slice(i * seeds.length, (i + 1) * seeds.length));
}

/** The interval of `measure` over paired reports, such as of runs with the same seed. */
export function paired<A, B>(
  a: readonly A[],
  b: readonly B[],
  measure: (a: A, b: B) => number,
): Interval {
  return intervalOf(a.map((one, i) => measure(one, b[i]!)));
}

/** Milliseconds of the relay's processor for a contribution, by chore and in all. */
export function budgetRows(title: string, reports: readonly CommunityReport[]): Row[] {
  const contributions = reports.reduce((sum, report) => sum + report.contributions.length, 0);
  const sums = new Map<string, number>();
  for (const { relaySeconds } of reports) {
    for (const [chore, seconds] of Object.entries(relaySeconds)) {
      sums.set(chore, (sums.get(chore) ?? 0) + seconds);
    }
  }
  const each = (seconds: number) => (1000 * seconds) / contributions;
  const all = [...sums.values()].reduce((sum, seconds) => sum + seconds, 0);
  const row = (what: string, seconds: number): Row => ({
    what: `${title}: relay's time for a contribution, ${what}`,
    value: each(seconds),
    unit: "ms",
  });
  return [...Array.from(sums, ([chore, seconds]) => row(chore, seconds)), row("in all", all)];
}
