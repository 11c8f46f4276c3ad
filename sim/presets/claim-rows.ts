import { judgedRow, type Row } from "../../bench/figures.ts";
import type { CommunityReport, Curve } from "../community/report.ts";
import { describeInterval, type Interval, intervalOf } from "./interval.ts";
import { bytesForGain } from "./pareto.ts";
import { gainOf, paired } from "./preset.ts";
import type { Size, Way } from "./ways.ts";

const LEAST_OF_DENSE = new Map([
  [0.005, 60],
  [0.02, 75],
]); // percent, by density; our own study had 50 and 67
const EQUAL_GAIN = 0.9; // of what both ways reach: at the very end a curve is flat and bytes say nothing

export type AnyCurve = CommunityReport | Curve;

/** A way of training with its runs. */
export type Found = Way & {
  readonly rate: number;
  readonly curves: readonly AnyCurve[];
  readonly gain: Interval;
  /** Percent of dense training's gain. */
  readonly ofDense: Interval;
};

/** Ways of training by communities of one size; the first is dense training. */
export type Comparison = { readonly size: Size; readonly found: readonly Found[] };

/** Bytes of the cheapest of our ways over those of the cheapest of SparseLoCo's, at a gain that both reach. */
export function equalGainRows({ size, found }: Comparison): Row[] {
  const { model, volunteers } = size;
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
    const found = intervalOf(ratios);
    return { what, value: found.mean, unit: "times", against: describeInterval(found, 2) };
  };
  const what = `${model}: bytes up and down for equal gain, over SparseLoCo's way`;
  return [
    judgedRow(rowOf(`${what}, positions at 12 bits`, false), "<=", 0.5),
    judgedRow(rowOf(`${what}, positions at their entropy`, true), "<=", 0.5),
  ];
}

/** Within half a point of dense training at 2%. */
export function digitRows({ size, found }: Comparison): Row[] {
  const [dense] = found;
  return found
    .filter(({ density, name }) => density === 0.02 && !name.startsWith("SparseLoCo"))
    .map(({ name, curves }) => {
      const short = paired(
        curves,
        dense!.curves,
        (a, b) => 100 * (b.last.accuracy - a.last.accuracy),
      );
      const against = `${describeInterval(short, 2)}; rate ${dense!.rate} dense`;
      const what = `digits: accuracy short of dense training, ${name}, ${size.versions} pieces each`;
      return judgedRow({ what, value: short.mean, unit: "points", against }, "<=", 0.5);
    });
}

/** What is left of dense training's gain in another domain. */
export function presidentRows({ found }: Comparison): Row[] {
  return found
    .filter(({ density, name }) => density <= 0.02 && !name.startsWith("SparseLoCo"))
    .map(({ name, density, ofDense }) => {
      const what = `presidents: gain of dense training that is reached, ${name}`;
      const row = { what, value: ofDense.mean, unit: "%", against: describeInterval(ofDense, 1) };
      const least = LEAST_OF_DENSE.get(density);
      return least === undefined ? row : judgedRow(row, ">=", least);
    });
}
