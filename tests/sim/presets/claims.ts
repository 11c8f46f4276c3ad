import { judgedRow, type Row } from "../../../bench/figures.ts";
import type { CommunityReport, Curve } from "../community/report.ts";
import { formatInterval, type Interval, intervalOf } from "./interval.ts";
import { table } from "./markdown.ts";
import { bytesAt, bytesForGain, paretoChart } from "./pareto.ts";
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
import { denseWay, sparseLocoWay, sparseWay, type Way } from "./ways.ts";

type AnyCurve = CommunityReport | Curve;

/** A way of training with its runs. */
type Found = Way & {
  readonly rate: number;
  readonly curves: readonly AnyCurve[];
  readonly gain: Interval;
  /** Percent of dense training's gain. */
  readonly ofDense: Interval;
};

const EQUAL_GAIN = 0.9; // of what both ways reach: at the very end a curve is flat and bytes say nothing

/** Sparse patches against dense training and against SparseLoCo's way, on the same data and steps. */
export const claims: Preset = async (context) => {
  const digits = await claimsOf(context, digitsWays(context.isQuick));
  const presidents = await claimsOf(withFewSeeds(context), presidentsWays(context.isQuick));
  return {
    rows: [
      ...digitRows(digits.found),
      ...digits.rows,
      ...presidentRows(presidents.found),
      ...presidents.rows,
    ],
    markdown: [digits.markdown, presidents.markdown].join("\n\n"),
    charts: [digits.chart, presidents.chart],
  };
};

type Plan = {
  readonly model: string;
  readonly volunteers: number;
  readonly versions: number;
  readonly ways: readonly Way[];
};

/** In the base's own domain: 10 volunteers, a fixed budget of tickets. */
function digitsWays(isQuick: boolean): Plan {
  const size = {
    model: "digits",
    volunteers: isQuick ? 8 : 10,
    versions: isQuick ? 8 : 20,
    changes: [],
  };
  const pick = (...rates: number[]) => (isQuick ? rates.slice(1, 3) : rates);
  const dense = pick(0.0025, 0.005, 0.01, 0.02);
  return {
    ...size,
    ways: [
      denseWay(size, dense),
      sparseWay(size, "random", 0.001, pick(0.1, 0.2, 0.4, 0.8)),
      sparseWay(size, "random", 0.005, pick(0.06, 0.12, 0.25, 0.5)),
      sparseWay(size, "random", 0.02, pick(0.06, 0.1, 0.15, 0.25)),
      sparseWay(size, "random", 0.1, pick(0.015, 0.03, 0.06, 0.12)),
      sparseWay(size, "shared", 0.005, pick(0.06, 0.12, 0.25, 0.5)),
      sparseWay(size, "shared", 0.02, pick(0.03, 0.06, 0.12, 0.25)),
      sparseWay(size, "own", 0.005, pick(0.03, 0.06, 0.12, 0.25)),
      sparseWay(size, "own", 0.01, pick(0.02, 0.04, 0.06, 0.12)),
      sparseWay(size, "own", 0.02, pick(0.01, 0.02, 0.03, 0.06)),
      ...[0.005, 0.01, 0.02].map((density) => sparseLocoWay(size, density, 2, dense)),
    ],
  };
}

/** Moved to another domain, from Moby Dick to speeches. */
function presidentsWays(isQuick: boolean): Plan {
  const volunteers = isQuick ? 3 : 6;
  const changes = [`merge.cohortSize=${volunteers}`]; // else so few merge once or twice, of the same base
  const size = { model: "presidents", volunteers, versions: isQuick ? 4 : 6, changes };
  const pick = (...rates: number[]) => (isQuick ? rates.slice(1, 2) : rates);
  const dense = pick(0.0005, 0.001, 0.002);
  return {
    ...size,
    ways: [
      denseWay(size, dense),
      sparseWay(size, "random", 0.02, pick(0.0025, 0.005, 0.01)),
      sparseWay(size, "own", 0.005, pick(0.007, 0.012, 0.02)),
      sparseWay(size, "own", 0.02, pick(0.004, 0.006, 0.009)),
      ...(isQuick
        ? []
        : [
            sparseWay(size, "random", 0.005, pick(0.005, 0.01, 0.02)),
            sparseWay(size, "shared", 0.005, pick(0.0025, 0.005, 0.01)),
            sparseWay(size, "shared", 0.02, pick(0.00125, 0.0025, 0.005)),
          ]),
      sparseLocoWay(size, 0.02, 2, dense),
    ],
  };
}

async function claimsOf(context: PresetContext, { model, volunteers, versions, ways }: Plan) {
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
  const byName = (start: string) => found.filter(({ name }) => name.startsWith(start));
  const densities = (start: string) =>
    byName(start)
      .toSorted((a, b) => a.density - b.density)
      .map(({ curves }) => curves);
  const lines = ["random", "shared", "own", "dense", "SparseLoCo"]
    .filter((start) => byName(start).length > 0)
    .map((name) => ({ name, densities: densities(name) }));
  const loco = {
    name: "SparseLoCo at entropy",
    atEntropy: true,
    densities: densities("SparseLoCo"),
  };
  const communities = found.flatMap(({ curves }) =>
    curves.filter((curve) => "relaySeconds" in curve),
  );
  return {
    found,
    rows: [...equalGainRows(model, volunteers, found), ...budgetRows(model, communities)],
    markdown: `**${model}**, ${volunteers} volunteers, ${versions} pieces each, ${dense.length} seeds.\n\n${waysTable(model, volunteers, found)}`,
    chart: paretoChart(model, volunteers, [...lines, loco]),
  };
}

function waysTable(model: string, volunteers: number, found: readonly Found[]): string {
  const kilobytes = (curves: readonly AnyCurve[], pick: (curve: AnyCurve) => number) =>
    (intervalOf(curves.map(pick)).mean / volunteers / 1000).toFixed(0);
  return table(
    [
      "way",
      "learning rate",
      `gain, ${gainUnit(model)}`,
      "of dense",
      "kB up",
      "kB down",
      "kB in all, at entropy",
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
    ]),
  );
}

/** Bytes of the cheapest of our ways over those of the cheapest of SparseLoCo's, at a gain that both reach. */
function equalGainRows(model: string, volunteers: number, found: readonly Found[]): Row[] {
  const isLoco = ({ name }: Found) => name.startsWith("SparseLoCo");
  const ours = found.filter((one) => !isLoco(one) && one.name !== "dense");
  const theirs = found.filter(isLoco);
  const seeds = ours[0]!.curves.map((_, seed) => seed);
  const best = (ways: readonly Found[], seed: number) =>
    Math.max(...ways.map(({ curves }) => gainOf(model, curves[seed]!)));
  const cheapest = (ways: readonly Found[], seed: number, gain: number, atEntropy: boolean) =>
    Math.min(
      ...ways.map(
        ({ curves }) => bytesForGain(model, curves[seed]!, gain, volunteers, atEntropy) ?? Infinity,
      ),
    );
  const rowOf = (what: string, atEntropy: boolean): Row => {
    const ratios = seeds.map((seed) => {
      const gain = EQUAL_GAIN * Math.min(best(ours, seed), best(theirs, seed));
      return cheapest(ours, seed, gain, false) / cheapest(theirs, seed, gain, atEntropy);
    });
    const { mean, half } = intervalOf(ratios);
    return { what, value: mean, unit: "times", against: `95% interval ± ${half.toFixed(2)}` };
  };
  const what = `${model}: bytes up and down for equal gain, over SparseLoCo's way`;
  return [
    judgedRow(rowOf(`${what}, positions at 12 bits`, false), "<=", 0.5),
    judgedRow(rowOf(`${what}, positions at their entropy`, true), "<=", 0.5),
  ];
}

/** Within half a point of dense training at 2%. */
function digitRows(found: readonly Found[]): Row[] {
  const [dense] = found;
  return found
    .filter(({ density, name }) => density === 0.02 && !name.startsWith("SparseLoCo"))
    .map(({ name, curves }) => {
      const short = paired(
        curves,
        dense!.curves,
        (a, b) => 100 * (b.last.accuracy - a.last.accuracy),
      );
      const against = `95% interval ± ${short.half.toFixed(2)}; rate ${dense!.rate} dense`;
      const what = `digits: accuracy short of dense training, ${name}`;
      return judgedRow({ what, value: short.mean, unit: "points", against }, "<=", 0.5);
    });
}

function presidentRows(found: readonly Found[]): Row[] {
  return found
    .filter(({ density, name }) => density <= 0.02 && !name.startsWith("SparseLoCo"))
    .map(({ name, density, ofDense }) => {
      const what = `presidents: gain of dense training that is reached, ${name}`;
      const against = `95% interval ± ${ofDense.half.toFixed(1)}`;
      return judgedRow(
        { what, value: ofDense.mean, unit: "%", against },
        ">=",
        density === 0.005 ? 60 : 75,
      );
    });
}
