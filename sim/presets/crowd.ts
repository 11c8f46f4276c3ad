import { judgedRow, type Row } from "../../bench/figures.ts";
import { drawLines } from "../charts/line-chart.ts";
import { community } from "../runs/spec.ts";
import { notMerged, onMaskRow } from "./arrivals.ts";
import { decidedRow, medianExamples } from "./decisions.ts";
import { fisherPolicy } from "./fisher-policy.ts";
import { describeInterval, formatInterval, intervalOf } from "./interval.ts";
import { table } from "./markdown.ts";
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

const TARGET = 1.75; // our own study with 16 contributors: 1.76

/** How much more a crowd improves a model than one contributor does in the same time. */
export const crowd: Preset = async (context) => {
  const digits = await crowdOf(context, "digits", [1, 2, 4, 8, 16, 32], 8);
  const presidents = await crowdOf(withFewSeeds(context), "presidents", [1, 16], 2);
  return {
    rows: [
      ...digits.rows,
      ...presidents.rows,
      ...(context.isQuick ? [] : [await onMaskOfCrowd(context, 32, 8)]),
    ],
    markdown: [digits.markdown, presidents.markdown].join("\n\n"),
    charts: [...digits.charts, ...presidents.charts],
  };
};

/** Under a mask in common, where a crowd's work can come too late for it; under masks of one's own it can't. */
async function onMaskOfCrowd(context: PresetContext, volunteers: number, versions: number) {
  const changes = ["mask.kind=shared", ...fisherPolicy("digits")];
  const spec = community({ volunteers, versions, changes, seed: "" });
  const [reports] = await runSeeds(context, [spec]);
  return onMaskRow(`digits, ${volunteers} contributors, a mask in common`, reports!);
}

async function crowdOf(context: PresetContext, model: string, sizes: number[], versions: number) {
  const specs = sizes.map((volunteers) => community({ model, volunteers, versions, seed: "" }));
  const reports = await runSeeds(context, specs);
  const gains = reports.map((each) => intervalOf(each.map((report) => gainOf(model, report))));
  const [alone] = reports;
  const ratios = reports.map((each) =>
    paired(each, alone!, (one, other) => gainOf(model, one) / gainOf(model, other)),
  );
  const sixteen = ratios[sizes.indexOf(16)]!;
  const unit = gainUnit(model);
  const row: Row = {
    what: `${model}: gain of 16 contributors over the gain of one, ${versions} pieces each`,
    value: sixteen.mean,
    unit: "times",
    against: describeInterval(sixteen, 2),
  };
  return {
    rows: [
      judgedRow(row, ">=", TARGET),
      ...sizes.map((size, i) => decidedRow(`${model}, contributors: ${size}`, reports[i]!)),
      ...budgetRows(model, reports.flat()),
    ],
    markdown: `**${model}**, ${versions} pieces of work for each contributor, ${alone!.length} seeds.\n\n${table(
      [
        "contributors",
        `gain, ${unit}`,
        "times one contributor's",
        "not merged",
        "negative flips, last version",
        "examples of the gate, median",
      ],
      sizes.map((size, i) => {
        return [
          String(size),
          formatInterval(gains[i]!, 2),
          formatInterval(ratios[i]!, 2),
          notMerged(reports[i]!),
          `${formatInterval(intervalOf(reports[i]!.map((one) => 100 * one.negativeFlips)), 2)}%`,
          medianExamples(reports[i]!).toFixed(0),
        ];
      }),
    )}`,
    charts: [
      {
        name: `crowd-${model}`,
        title: `Gain of ${model} by contributors`,
        svg: drawLines({
          title: `Gain of ${model} by contributors`,
          x: { label: "contributors", isLogarithmic: true },
          y: { label: `gain, ${unit}` },
          series: [
            {
              name: "all together",
              points: sizes.map((x, i) => ({ x, y: gains[i]!.mean, half: gains[i]!.half })),
            },
          ],
          targets: [{ name: `${TARGET} times one contributor's`, y: TARGET * gains[0]!.mean }],
        }),
      },
    ],
  };
}
