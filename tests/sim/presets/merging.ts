import type { Row } from "../../../bench/figures.ts";
import { type MergeRule, mergeRule } from "../../../core/protocol/schemas/recipe.ts";
import { drawBars } from "../charts/bar-chart.ts";
import { community } from "../runs/spec.ts";
import { notMerged } from "./arrivals.ts";
import { fisherPolicy } from "./fisher-policy.ts";
import { describeInterval, formatInterval, type Interval, intervalOf } from "./interval.ts";
import { table } from "./markdown.ts";
import { gainOf, gainUnit, type Preset, paired, runSeeds } from "./preset.ts";

const CASES = [
  { name: "shared mask, mixed shards", kind: "shared", shards: "mixed" },
  { name: "shared mask, own shards", kind: "shared", shards: "own" },
  { name: "own masks, mixed shards", kind: "own", shards: "mixed" },
  { name: "own masks, own shards", kind: "own", shards: "own" },
] as const;

const MODEL = "digits";
const VOLUNTEERS = 8;
const VERSIONS = 6;

/** Every merge rule on shared and on own masks, where all train on alike data and where each has its own. */
export const merging: Preset = async (context) => {
  const rules = mergeRule.options;
  const specs = CASES.flatMap(({ kind, shards }) =>
    rules.map((rule) =>
      community({
        model: MODEL,
        volunteers: VOLUNTEERS,
        versions: VERSIONS,
        shards,
        changes: [...fisherPolicy(MODEL), `merge.rule=${rule}`, `mask.kind=${kind}`],
        seed: "",
      }),
    ),
  );
  const reports = await runSeeds(context, specs);
  const gains = reports.map((each) => intervalOf(each.map((report) => gainOf(MODEL, report))));
  const cell = (c: number, r: number): Interval => gains[c * rules.length + r]!;
  const reportsOf = (c: number, rule: MergeRule) =>
    reports[c * rules.length + rules.indexOf(rule)]!;
  const beyondMean = (c: number, rule: MergeRule) =>
    paired(reportsOf(c, rule), reportsOf(c, "mean"), (a, b) => gainOf(MODEL, a) - gainOf(MODEL, b));
  const unit = gainUnit(MODEL);
  const rows = CASES.flatMap(({ name }, c) =>
    rules.map(
      (rule, r): Row => ({
        what: `${MODEL}: gain under ${rule}, ${name}`,
        value: cell(c, r).mean,
        unit,
        against: describeInterval(cell(c, r), 2),
      }),
    ),
  );
  const refused = reports.map(notMerged);
  const cells = rules.map((rule, r) => [
    rule,
    ...CASES.map((_, c) => {
      const not = refused[c * rules.length + r]!;
      return `${formatInterval(cell(c, r), 2)}<br>not merged ${not}`;
    }),
  ]);
  const differences = rules
    .filter((rule) => rule !== "mean")
    .map((rule) => [rule, ...CASES.map((_, c) => formatInterval(beyondMean(c, rule), 2))]);
  const heads = CASES.map(({ name }) => name);
  return {
    rows,
    markdown: `**${MODEL}**, ${VOLUNTEERS} honest volunteers, ${VERSIONS} pieces each; gain in ${unit}.\n\n${table(
      ["rule", ...heads],
      cells,
    )}\n\nWhat a rule gains beyond the mean on the same seeds:\n\n${table(["rule", ...heads], differences)}`,
    charts: [
      {
        name: `merging-${MODEL}`,
        title: `Gain of ${MODEL} by merge rule`,
        svg: drawBars({
          title: `Gain of ${MODEL} by merge rule`,
          label: `gain, ${unit}`,
          kinds: heads,
          groups: rules.map((rule, r) => ({ name: rule, bars: CASES.map((_, c) => cell(c, r)) })),
        }),
      },
    ],
  };
};
