import type { CommunityReport } from "../community/report.ts";
import { notMerged, onMaskRow } from "./arrivals.ts";
import { DIGITS, LONGER, type Plan, PRESIDENTS } from "./claim-plans.ts";
import {
  type AnyCurve,
  type Comparison,
  digitRows,
  equalGainRows,
  type Found,
  presidentRows,
} from "./claim-rows.ts";
import { formatInterval, intervalOf } from "./interval.ts";
import { table } from "./markdown.ts";
import { bytesAt, paretoChart } from "./pareto.ts";
import {
  budgetRows,
  gainOf,
  gainUnit,
  type Preset,
  type PresetContext,
  paired,
  runSeeds,
  withFewSeeds,
} from "./preset.ts";
import { tuneRates } from "./tuning.ts";

/** Sparse patches against dense training and against SparseLoCo's way, on the same data and steps. */
export const claims: Preset = async (context) => {
  const digits = await claimsOf(context, DIGITS);
  const longer = context.isQuick ? [] : [await claimsOf(context, LONGER)];
  const presidents = await claimsOf(withFewSeeds(context), PRESIDENTS);
  const all = [digits, ...longer, presidents];
  return {
    rows: [
      ...[digits, ...longer].flatMap(digitRows),
      onMaskRow("digits, masks in common", communitiesOf(digits, ["random", "shared"])),
      ...equalGainRows(digits),
      ...budgetRows("digits", communitiesOf(digits)),
      ...presidentRows(presidents),
      ...equalGainRows(presidents),
      ...budgetRows("presidents", communitiesOf(presidents)),
    ],
    markdown: all.map(waysTable).join("\n\n"),
    charts: [digits, presidents].map(chartOf),
  };
};

async function claimsOf(context: PresetContext, { size, ways }: Plan): Promise<Comparison> {
  const { model } = size;
  const tuned = await tuneRates(context, ways);
  const reports = await runSeeds(
    context,
    tuned.map(({ spec }) => spec),
  );
  const dense = reports[0]!; // the first way
  const found: Found[] = ways.map((way, i) => ({
    ...way,
    rate: tuned[i]!.rate,
    curves: reports[i]!,
    gain: intervalOf(reports[i]!.map((curve) => gainOf(model, curve))),
    ofDense: paired(reports[i]!, dense, (a, b) => (100 * gainOf(model, a)) / gainOf(model, b)),
  }));
  return { size, found };
}

function chartOf({ size, found }: Comparison) {
  const lineOf = (name: string) => ({
    name,
    densities: found
      .filter((way) => way.name.startsWith(name) && !way.name.endsWith("examples")) // one policy
      .toSorted((a, b) => a.density - b.density)
      .map(({ curves }) => curves),
  });
  const lines = ["random", "shared", "own", "dense", "SparseLoCo"]
    .map(lineOf)
    .filter(({ densities }) => densities.length > 0);
  const loco = { ...lineOf("SparseLoCo"), name: "SparseLoCo at entropy", atEntropy: true };
  return paretoChart(size.model, size.volunteers, [...lines, loco]);
}

/** The communities under ways whose names begin so, all by default. */
function communitiesOf({ found }: Comparison, starts: readonly string[] = [""]): CommunityReport[] {
  return found
    .filter(({ name }) => starts.some((start) => name.startsWith(start)))
    .flatMap(({ curves }) => judgedAmong(curves));
}

/** SparseLoCo's way has no relay that judges. */
function judgedAmong(curves: readonly AnyCurve[]): CommunityReport[] {
  return curves.filter((curve) => "relaySeconds" in curve);
}

function waysTable({ size, found }: Comparison): string {
  const { model, volunteers, versions } = size;
  const seeds = found[0]!.curves.length;
  const kilobytes = (curves: readonly AnyCurve[], pick: (curve: AnyCurve) => number) =>
    (intervalOf(curves.map(pick)).mean / volunteers / 1000).toFixed(0);
  const cells = table(
    [
      "way",
      "learning rate",
      `gain, ${gainUnit(model)}`,
      "of dense",
      "kB up",
      "kB down",
      "kB in all, at entropy",
      "not merged",
    ],
    found.map(({ name, rate, gain, ofDense, curves }) => [
      name,
      String(rate),
      formatInterval(gain, 2),
      `${formatInterval(ofDense, 0)}%`,
      kilobytes(curves, ({ versions }) => versions.at(-1)?.bytesUp ?? 0),
      kilobytes(curves, ({ versions }) => versions.at(-1)?.bytesDown ?? 0),
      kilobytes(curves, ({ versions }) => {
        const last = versions.at(-1);
        return last === undefined ? 0 : volunteers * bytesAt(last, volunteers, true);
      }),
      judgedAmong(curves).length === 0 ? "" : notMerged(judgedAmong(curves)),
    ]),
  );
  return `**${model}**, ${volunteers} volunteers, ${versions} pieces each, ${seeds} seeds.\n\n${cells}`;
}
