import type { Row } from "../../../bench/figures.ts";
import { mergeRule } from "../../../core/protocol/schemas/recipe.ts";
import { drawBars } from "../charts/bar-chart.ts";
import { community } from "../runs/spec.ts";
import { fisherPolicy } from "./fisher-policy.ts";
import { formatInterval, type Interval, intervalOf } from "./interval.ts";
import { table } from "./markdown.ts";
import { gainOf, gainUnit, type Preset, type PresetContext, runSeeds } from "./preset.ts";

const CASES = [
  { name: "shared mask, mixed shards", kind: "shared", shards: "mixed" },
  { name: "shared mask, own shards", kind: "shared", shards: "own" },
  { name: "own masks, mixed shards", kind: "own", shards: "mixed" },
  { name: "own masks, own shards", kind: "own", shards: "own" },
] as const;

/** Every merge rule on shared and on own masks, where all train on alike data and where each has its own. */
export const merging: Preset = async (context) => {
  const { isQuick } = context;
  const digits = await mergingOf(context, "digits", mergeRule.options, isQuick ? [8, 6] : [10, 20]);
  const rules = isQuick ? [] : (["mean", "fisher"] as const);
  const presidents =
    rules.length === 0 ? null : await mergingOf(context, "presidents", rules, [6, 6]);
  const all = presidents === null ? [digits] : [digits, presidents];
  return {
    rows: all.flatMap(({ rows }) => rows),
    markdown: all.map(({ markdown }) => markdown).join("\n\n"),
    charts: all.flatMap(({ charts }) => charts),
  };
};

async function mergingOf(
  context: PresetContext,
  model: string,
  rules: readonly string[],
  [volunteers, versions]: readonly [number, number],
) {
  const specs = CASES.flatMap(({ kind, shards }) =>
    rules.map((rule) =>
      community({
        model,
        volunteers,
        versions,
        shards,
        changes: [...fisherPolicy(model), `merge.rule=${rule}`, `mask.kind=${kind}`],
        seed: "",
      }),
    ),
  );
  const reports = await runSeeds(context, specs);
  const gains = reports.map((each) => intervalOf(each.map((report) => gainOf(model, report))));
  const cell = (c: number, r: number): Interval => gains[c * rules.length + r]!;
  const unit = gainUnit(model);
  const rows = CASES.flatMap(({ name }, c) =>
    rules.map(
      (rule, r): Row => ({
        what: `${model}: gain under ${rule}, ${name}`,
        value: cell(c, r).mean,
        unit,
        against: `95% interval ± ${cell(c, r).half.toFixed(2)}`,
      }),
    ),
  );
  const refused = reports.map((each) => {
    const all = each.flatMap(({ contributions }) => contributions);
    return `${all.filter(({ fate }) => fate !== "merged").length} of ${all.length}`;
  });
  const cells = rules.map((rule, r) => [
    rule,
    ...CASES.map((_, c) => {
      const not = refused[c * rules.length + r]!;
      return `${formatInterval(cell(c, r), 2)}<br>not merged ${not}`;
    }),
  ]);
  return {
    rows,
    markdown: `**${model}**, ${volunteers} honest volunteers, ${versions} pieces each; gain in ${unit}.\n\n${table(
      ["rule", ...CASES.map(({ name }) => name)],
      cells,
    )}`,
    charts: [
      {
        name: `merging-${model}`,
        title: `Gain of ${model} by merge rule`,
        svg: drawBars({
          title: `Gain of ${model} by merge rule`,
          label: `gain, ${unit}`,
          kinds: CASES.map(({ name }) => name),
          groups: rules.map((rule, r) => ({ name: rule, bars: CASES.map((_, c) => cell(c, r)) })),
        }),
      },
    ],
  };
}
