import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { type Figures, figuresOf } from "../../../bench/figures.ts";
import { codeHash } from "../runs/code-hash.ts";
import { openResultStore } from "../runs/result-store.ts";
import { runAll } from "../runs/run-all.ts";
import type { ReportOf, RunSpec } from "../runs/spec.ts";
import { PRESETS, type PresetName } from "./all.ts";
import { replaceSection, rowTable } from "./markdown.ts";
import type { Presentation, PresetContext } from "./preset.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const RESULTS = `${ROOT}docs/results.md`;
const FULL_SEEDS = ["1", "2", "3", "4", "5"];
const MOST_PROCESSES = 2; // a run's memory is some 600 MB

/**
 * Run a preset, write its rows to docs/results/, its charts to docs/pictures/ and its section into docs/results.md.
 * Runs that are done are kept in data/sim/ and not repeated.
 */
export async function runPreset(
  name: PresetName,
  { isQuick, seed }: { readonly isQuick: boolean; readonly seed: string },
): Promise<Figures> {
  const store = openResultStore(`${ROOT}data/sim`, codeHash);
  const processes = Math.min(MOST_PROCESSES, availableParallelism());
  const spent = { runs: 0, seconds: 0 };
  const context: PresetContext = {
    isQuick,
    seeds: isQuick ? seed.split(",") : FULL_SEEDS,
    async run<Spec extends RunSpec>(specs: readonly Spec[]) {
      const results = await runAll(specs, { store, processes });
      spent.runs += results.length;
      for (const { seconds } of results) spent.seconds += seconds;
      return results.map(({ report }) => report) as ReportOf<Spec>[]; // each is what its spec's way makes
    },
  };
  const presentation = await PRESETS[name](context);
  const figures = figuresOf(`sim ${name}`, context.seeds.join(), presentation.rows);
  const hours = spent.seconds / 3600 / processes;
  const effort = `${spent.runs} runs, ${hours.toFixed(2)} hours in ${processes} processes`;
  await write(name, isQuick, figures, { ...presentation, effort });
  return figures;
}

async function write(
  name: PresetName,
  isQuick: boolean,
  figures: Figures,
  { markdown, charts, effort }: Presentation & { readonly effort: string },
): Promise<void> {
  await mkdir(`${ROOT}docs/results`, { recursive: true });
  await writeFile(`${ROOT}docs/results/${name}.json`, `${JSON.stringify(figures, null, 2)}\n`);
  for (const chart of charts) await writeFile(`${ROOT}docs/pictures/${chart.name}.svg`, chart.svg);
  const { date, machine, seed } = figures;
  const body = [
    `\`npm run sim -- --preset ${name}${isQuick ? ` --quick --seed ${seed}` : ""}\`, ${date}, ${machine.cores} × ${machine.cpu}, ` +
      `GPU ${machine.gpu}, node ${machine.node}; ${effort}. The rows: [${name}.json](results/${name}.json).`,
    rowTable(figures.rows),
    markdown,
    ...charts.map((chart) => `![${chart.title}](pictures/${chart.name}.svg)`),
  ].join("\n\n");
  await writeFile(RESULTS, replaceSection(await readFile(RESULTS, "utf8"), name, body));
}
