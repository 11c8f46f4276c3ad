import { drawLines } from "../charts/line-chart.ts";
import type { CommunityReport, Curve, CurvePoint } from "../community/report.ts";
import { intervalOf } from "./interval.ts";
import { gainOf, gainUnit } from "./preset.ts";

type AnyCurve = CommunityReport | Curve;

/** Bytes up and down that `volunteers` each have spent at a point; `atEntropy` counts positions at their least. */
export function bytesAt(point: CurvePoint, volunteers: number, atEntropy = false): number {
  const up = (atEntropy ? point.bytesUpAtEntropy : undefined) ?? point.bytesUp;
  return (up + point.bytesDown) / volunteers;
}

/** The bytes of each volunteer by which a curve first has `gain`, between versions by straight lines; null if never. */
export function bytesForGain(
  model: string,
  curve: AnyCurve,
  gain: number,
  volunteers: number,
  atEntropy = false,
): number | null {
  let before = { gain: 0, bytes: 0 };
  for (const point of curve.versions) {
    const now = {
      gain: gainOf(model, { base: curve.base, last: { ...curve.base, ...point } }),
      bytes: bytesAt(point, volunteers, atEntropy),
    };
    if (now.gain >= gain) {
      const part = now.gain === before.gain ? 1 : (gain - before.gain) / (now.gain - before.gain);
      return before.bytes + Math.max(0, part) * (now.bytes - before.bytes);
    }
    before = now;
  }
  return null;
}

/** One line a way of training, through what each of its densities gains for its bytes. */
export function paretoChart(
  model: string,
  volunteers: number,
  lines: readonly {
    readonly name: string;
    readonly atEntropy?: boolean;
    /** The runs of every density, by seed. */
    readonly densities: readonly (readonly AnyCurve[])[];
  }[],
) {
  const title = `Gain of ${model} for bytes up and down`;
  const svg = drawLines({
    title,
    x: { label: "bytes up and down of each volunteer", isLogarithmic: true },
    y: { label: `gain, ${gainUnit(model)}` },
    series: lines.map(({ name, atEntropy = false, densities }) => ({
      name,
      points: densities.map((curves) => {
        const { mean, half } = intervalOf(curves.map((curve) => gainOf(model, curve)));
        const bytes = curves.map((curve) => bytesAt(curve.versions.at(-1)!, volunteers, atEntropy));
        return { x: intervalOf(bytes).mean, y: mean, half };
      }),
    })),
  });
  return { name: `pareto-${model}`, title, svg };
}
