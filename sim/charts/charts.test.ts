import { expect, test } from "vitest";
import { formatTick, linearScale, logScale } from "./axis.ts";
import { drawBars } from "./bar-chart.ts";
import { drawLines } from "./line-chart.ts";

test("a linear scale rounds outwards to ticks of 1, 2 or 5, and keeps its direction", () => {
  const scale = linearScale([0.13, 0.87], 300, 0);
  expect(scale.ticks.map(formatTick)).toEqual(["0", "0.2", "0.4", "0.6", "0.8", "1"]);
  expect(scale.at(0)).toBeCloseTo(300);
  expect(scale.at(1)).toBeCloseTo(0);
});

test("a scale of logarithms has its ticks at 1, 2 and 5 of each power", () => {
  expect(logScale([1000, 100_000], 0, 100).ticks.map(formatTick)).toEqual([
    "1000",
    "2000",
    "5000",
    "10k",
    "20k",
    "50k",
    "100k",
  ]);
});

test("a chart draws each series, interval and target in the reader's ink, and escapes what it is told", () => {
  const svg = drawLines({
    title: "a < b & c",
    x: { label: "bytes", isLogarithmic: true },
    y: { label: "%" },
    series: [
      {
        name: "ours",
        points: [
          { x: 10, y: 1, half: 0.2 },
          { x: 100, y: 2 },
        ],
      },
    ],
    targets: [{ name: "target", y: 1.5 }],
  });
  expect(svg).toContain("a &lt; b &amp; c");
  expect(svg.match(/<circle/g)).toHaveLength(2);
  expect(svg.match(/class="target"/g)).toHaveLength(1);
  expect(svg).toContain("prefers-color-scheme:dark");
  expect(svg).not.toContain("NaN");
});

test("bars stand on zero, below it where they are negative, and a missing one leaves its place", () => {
  const bar = (mean: number) => ({ mean, half: 0.1 });
  const svg = drawBars({
    title: "loss",
    label: "%",
    kinds: ["with", "without"],
    groups: [
      { name: "a", bars: [bar(1), bar(-2)] },
      { name: "b", bars: [null, bar(3)] },
    ],
  });
  expect(svg.match(/<rect/g)).toHaveLength(2 + 3); // with the legend's
  expect(svg).not.toContain("NaN");
});
