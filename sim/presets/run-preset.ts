import { existsSync, globSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { describeMachine, type Figures, today } from "../../bench/figures.ts";
import { codeHash } from "../runs/code-hash.ts";
import { type PublishedRun, readPublished, writePublished } from "../runs/published-runs.ts";
import { openResultStore } from "../runs/result-store.ts";
import { runAll } from "../runs/run-all.ts";
import type { ReportOf, RunSpec } from "../runs/spec.ts";
import { runCrowd } from "../swarm/crowd-run.ts";
import { PRESET_NAMES, PRESETS, type PresetName } from "./all.ts";
import { replaceSection, rowTable, targetTable } from "./markdown.ts";
import type { Presentation, PresetContext } from "./preset.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const RESULTS = `${ROOT}docs/results.md`;
const PUBLISHED = `${ROOT}docs/results/`;
const FULL_SEEDS = ["1", "2", "3", "4", "5"];
const MOST_PROCESSES = 2; // a run's memory is some 600 MB

/**
 * Run a preset, write its rows and its runs to docs/results/, its charts to docs/pictures/ and its section into
 * docs/results.md, and all presets' targets to its top. Runs that are done are kept in data/sim/; neither they nor
 * published ones are repeated.
 */
export async function runPreset(
  name: PresetName,
  { isQuick, seed }: { readonly isQuick: boolean; readonly seed: string },
): Promise<Figures> {
  const published = await readPublished(globSync(`${PUBLISHED}*.runs.jsonl.gz`));
  const store = openResultStore(`${ROOT}data/sim`, codeHash, published);
  const processes = Math.min(MOST_PROCESSES, availableParallelism());
  const ran: PublishedRun[] = [];
  let crowds = 0;
  const startedAt = performance.now();
  const context: PresetContext = {
    isQuick,
    seeds: isQuick ? seed.split(",") : FULL_SEEDS,
    async run<Spec extends RunSpec>(specs: readonly Spec[]) {
      const results = await runAll(specs, { store, processes });
      for (const [i, spec] of specs.entries()) {
        ran.push({ ...results[i]!, spec, code: await codeHash(spec.model) });
      }
      return results.map(({ report }) => report) as ReportOf<Spec>[]; // each is what its spec's way makes
    },
    crowds(specs) {
      crowds += specs.length;
      return specs.map(runCrowd);
    },
  };
  const presentation = await PRESETS[name](context);
  // not of today, where there are runs: what was run before is not run again
  const latest = ran.reduce<Pick<Figures, "date" | "machine">>(
    (last, run) => (run.date > last.date ? run : last),
    ran[0] ?? { date: today(), machine: describeMachine() },
  );
  const figures: Figures = {
    name: `sim ${name}`,
    date: latest.date,
    machine: latest.machine,
    seed: context.seeds.join(),
    rows: presentation.rows,
  };
  const hours = ran.reduce((sum, { seconds }) => sum + seconds, 0) / 3600 / processes;
  const minutes = (performance.now() - startedAt) / 60_000;
  const effort =
    ran.length > 0
      ? `${ran.length} runs, ${hours.toFixed(2)} hours in ${processes} processes`
      : `${crowds} runs, ${minutes.toFixed(1)} minutes in one process`;
  const runs = ran.length > 0 ? `${name}.runs.jsonl.gz` : null;
  await write(name, isQuick, figures, { ...presentation, effort, runs });
  if (runs !== null) await writePublished(`${PUBLISHED}${runs}`, ran);
  return figures;
}

async function write(
  name: PresetName,
  isQuick: boolean,
  figures: Figures,
  {
    markdown,
    charts,
    effort,
    runs,
  }: Presentation & { readonly effort: string; readonly runs: string | null },
): Promise<void> {
  await mkdir(PUBLISHED, { recursive: true });
  await writeFile(`${PUBLISHED}${name}.json`, `${JSON.stringify(figures, null, 2)}\n`);
  for (const chart of charts) await writeFile(`${ROOT}docs/pictures/${chart.name}.svg`, chart.svg);
  const { date, machine, seed } = figures;
  const body = [
    `\`npm run sim -- --preset ${name}${isQuick ? ` --quick --seed ${seed}` : ""}\`, ${date}, ${machine.cores} × ${machine.cpu}, ` +
      `GPU ${machine.gpu}, node ${machine.node}; ${effort}. The rows: [${name}.json](results/${name}.json)${runs === null ? "" : `; the runs: [${runs}](results/${runs})`}.`,
    rowTable(figures.rows),
    markdown,
    ...charts.map((chart) => `![${chart.title}](pictures/${chart.name}.svg)`),
  ].join("\n\n");
  const before = await readFile(RESULTS, "utf8");
  const targets = targetTable(await Promise.all(publishedFigures()));
  await writeFile(RESULTS, replaceSection(replaceSection(before, name, body), "targets", targets));
}

/** The rows of every preset that has a section. */
function publishedFigures(): Promise<Figures>[] {
  const paths = PRESET_NAMES.map((name) => `${PUBLISHED}${name}.json`).filter(existsSync);
  return paths.map(async (path): Promise<Figures> => JSON.parse(await readFile(path, "utf8")));
}
