import type { Row } from "../../bench/figures.ts";
import { type MergeRule, mergeRule } from "../../core/protocol/schemas/recipe.ts";
import { drawBars } from "../charts/bar-chart.ts";
import type { ShardArrangement } from "../community/shards.ts";
import { community } from "../runs/spec.ts";
import { notMerged } from "./arrivals.ts";
import { fisherPolicy } from "./fisher-policy.ts";
import { describeInterval, formatInterval, intervalOf } from "./interval.ts";
import { table } from "./markdown.ts";
import {
  gainOf,
  gainUnit,
  type Presentation,
  type Preset,
  type PresetContext,
  paired,
  runSeeds,
} from "./preset.ts";

/** Rules that are compared on one model, under masks and data of several kinds. */
type Study = {
  readonly model: string;
  readonly volunteers: number;
  readonly versions: number;
  readonly rules: readonly MergeRule[];
  readonly cases: readonly {
    readonly name: string;
    readonly kind: "shared" | "own";
    readonly shards: ShardArrangement;
  }[];
  readonly changes: readonly string[];
};

const DIGITS: Study = {
  model: "digits",
  volunteers: 8,
  versions: 6,
  rules: mergeRule.options,
  cases: [
    { name: "shared mask, mixed shards", kind: "shared", shards: "mixed" },
    { name: "shared mask, own shards", kind: "shared", shards: "own" },
    { name: "own masks, mixed shards", kind: "own", shards: "mixed" },
    { name: "own masks, own shards", kind: "own", shards: "own" },
  ],
  changes: [],
};

/** Averaging against Fisher weights where everybody reads the speakers of other years. */
const PRESIDENTS: Study = {
  model: "presidents",
  volunteers: 3,
  versions: 2,
  rules: ["mean", "fisher"],
  cases: [
    { name: "shared mask, mixed shards", kind: "shared", shards: "mixed" }, // random: so early none is chosen
    { name: "shared mask, shards by speaker", kind: "shared", shards: "own" },
    { name: "own masks, mixed shards", kind: "own", shards: "mixed" },
    { name: "own masks, shards by speaker", kind: "own", shards: "own" },
  ],
  changes: ["merge.cohortSize=3"], // else so few merge once, all of the same base
};

/** Every merge rule on shared and on own masks, where all train on alike data and where each has its own. */
export const merging: Preset = async (context) => {
  const digits = await compareRules(context, DIGITS);
  if (context.isQuick) return digits;
  const presidents = await compareRules(context, PRESIDENTS);
  return {
    rows: [...digits.rows, ...presidents.rows],
    markdown: [digits.markdown, presidents.markdown].join("\n\n"),
    charts: [...digits.charts, ...presidents.charts],
  };
};

async function compareRules(
  context: PresetContext,
  { model, volunteers, versions, rules, cases, changes }: Study,
): Promise<Presentation> {
  const specs = cases.flatMap(({ kind, shards }) =>
    rules.map((rule) =>
      community({
        model,
        volunteers,
        versions,
        shards,
        changes: [...changes, ...fisherPolicy(model), `merge.rule=${rule}`, `mask.kind=${kind}`],
        seed: "",
      }),
    ),
  );
  const reports = await runSeeds(context, specs);
  const reportsOf = (c: number, rule: MergeRule) =>
    reports[c * rules.length + rules.indexOf(rule)]!;
  const gain = (c: number, rule: MergeRule) =>
    intervalOf(reportsOf(c, rule).map((report) => gainOf(model, report)));
  const beyondMean = (c: number, rule: MergeRule) =>
    paired(reportsOf(c, rule), reportsOf(c, "mean"), (a, b) => gainOf(model, a) - gainOf(model, b));
  const unit = gainUnit(model);
  const heads = cases.map(({ name }) => name);
  const tableOf = (shown: readonly MergeRule[], cell: (c: number, rule: MergeRule) => string) =>
    table(
      ["rule", ...heads],
      shown.map((rule) => [rule, ...cases.map((_, c) => cell(c, rule))]),
    );
  const gains = tableOf(rules, (c, rule) => {
    const not = notMerged(reportsOf(c, rule));
    return `${formatInterval(gain(c, rule), 2)}<br>not merged ${not}`;
  });
  const differences = tableOf(
    rules.filter((rule) => rule !== "mean"),
    (c, rule) => formatInterval(beyondMean(c, rule), 2),
  );
  const title = `Gain of ${model} by merge rule`;
  return {
    rows: cases.flatMap(({ name }, c) =>
      rules.map(
        (rule): Row => ({
          what: `${model}: gain under ${rule}, ${name}`,
          value: gain(c, rule).mean,
          unit,
          against: describeInterval(gain(c, rule), 2),
        }),
      ),
    ),
    markdown: `**${model}**, ${volunteers} honest volunteers, ${versions} pieces each; gain in ${unit}.\n\n${gains}\n\nWhat a rule gains beyond the mean on the same seeds:\n\n${differences}`,
    charts: [
      {
        name: `merging-${model}`,
        title,
        svg: drawBars({
          title,
          label: `gain, ${unit}`,
          kinds: heads,
          groups: rules.map((rule) => ({ name: rule, bars: cases.map((_, c) => gain(c, rule)) })),
        }),
      },
    ],
  };
}
