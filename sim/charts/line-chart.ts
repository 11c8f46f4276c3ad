import {
  type Frame,
  horizontalAxis,
  linearScale,
  logScale,
  type Scale,
  verticalAxis,
} from "./axis.ts";
import { COLOURS, element, escapeText, picture } from "./svg.ts";

export type ChartPoint = { readonly x: number; readonly y: number; readonly half?: number };

export type LineChart = {
  readonly title: string;
  readonly x: { readonly label: string; readonly isLogarithmic?: boolean };
  readonly y: { readonly label: string };
  readonly series: readonly { readonly name: string; readonly points: readonly ChartPoint[] }[];
  /** Drawn across as a dashed line. */
  readonly targets?: readonly { readonly name: string; readonly y: number }[];
};

const WIDTH = 760;
const HEIGHT = 420;
const FRAME: Frame = { left: 64, right: 560, top: 44, bottom: 360 };

/** Lines through points with their 95% intervals, and a legend beside them. */
export function drawLines({ title, x, y, series, targets = [] }: LineChart): string {
  const points = series.flatMap((one) => one.points);
  const xs = points.map((point) => point.x);
  const across = (x.isLogarithmic ? logScale : linearScale)(xs, FRAME.left, FRAME.right);
  const ends = points.flatMap(({ y: value, half = 0 }) => [value - half, value + half]);
  const up = linearScale([...ends, ...targets.map((target) => target.y)], FRAME.bottom, FRAME.top);
  return picture(
    { width: WIDTH, height: HEIGHT, title },
    element("text", { class: "title", x: FRAME.left, y: 24 }, escapeText(title)),
    verticalAxis(FRAME, up, y.label),
    horizontalAxis(FRAME, across, x.label),
    ...targets.map((target) => drawTarget(target.name, up.at(target.y))),
    ...series.map((one, i) => drawSeries(one.points, across, up, COLOURS[i % COLOURS.length]!)),
    ...series.map((one, i) => legendLine(one.name, i)),
  );
}

function drawTarget(name: string, y: number): string {
  return (
    element("line", { class: "target", x1: FRAME.left, x2: FRAME.right, y1: y, y2: y }) +
    element("text", { x: FRAME.right - 4, y: y - 5, "text-anchor": "end" }, escapeText(name))
  );
}

function drawSeries(
  points: readonly ChartPoint[],
  across: Scale,
  up: Scale,
  colour: string,
): string {
  const path = points
    .map(({ x, y }, i) => `${i === 0 ? "M" : "L"}${across.at(x).toFixed(1)} ${up.at(y).toFixed(1)}`)
    .join("");
  const line = element("path", { d: path, fill: "none", stroke: colour, "stroke-width": 2 });
  const marks = points.map(({ x, y, half = 0 }) => {
    const [cx, cy] = [across.at(x), up.at(y)];
    const error = { x1: cx, x2: cx, y1: up.at(y - half), y2: up.at(y + half), stroke: colour };
    return (
      (half === 0 ? "" : element("line", error)) + element("circle", { cx, cy, r: 3, fill: colour })
    );
  });
  return line + marks.join("");
}

function legendLine(name: string, index: number): string {
  const y = FRAME.top + 8 + 20 * index;
  const colour = COLOURS[index % COLOURS.length]!;
  return (
    element("rect", { x: FRAME.right + 18, y: y - 9, width: 12, height: 12, fill: colour }) +
    element("text", { x: FRAME.right + 36, y: y + 1 }, escapeText(name))
  );
}
