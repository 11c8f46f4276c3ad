/** A community in one process: `npm run sim -- --help`. */
import { figuresOf, judgedRow, printFigures, type Row } from "../../bench/figures.ts";
import { openBackend } from "../../kernels/backend.ts";
import { shippedModels } from "../../models/shipped.ts";
import { WASM_FOLDER } from "../fixtures/wasm-folder.ts";
import { type CommunityResult, type RoundReport, runCommunity } from "./community.ts";
import { changeRecipe, HELP, parseOptions, type SimOptions } from "./options.ts";
import { loadModel } from "./sim-model.ts";

const ACCURACY_TARGET = 0.95; // ten volunteers, 20 versions, digits

const options = parseOptions(process.argv.slice(2));
if (typeof options === "string") {
  console.log(options);
  process.exitCode = options === HELP ? 0 : 1;
} else {
  await simulate(options);
}

async function simulate(options: SimOptions): Promise<void> {
  const source = shippedModels.find(({ recipe }) => recipe.id === options.model);
  if (source === undefined) {
    console.error(`--model ${options.model}: not shipped`);
    process.exitCode = 1;
    return;
  }
  const recipe = changeRecipe(source.recipe, options.changes);
  if (typeof recipe === "string") {
    console.error(recipe);
    process.exitCode = 1;
    return;
  }
  const backend = await openBackend({ prefer: "cpu", wasmFolder: WASM_FOLDER });
  const model = { ...(await loadModel(source)), recipe };
  console.error(`${options.model}: ${model.layout.size} parameters on ${backend.device}`);
  const started = performance.now();
  const result = await runCommunity(model, options, tellRound);
  const minutes = (performance.now() - started) / 60_000;
  const rows = rowsOf(options, result, minutes);
  printFigures(figuresOf(`sim ${options.model}`, options.seed, rows), options.asJson);
}

function tellRound(report: RoundReport): void {
  const { round, version, accuracy, lossNats, merged, liarsMerged, refused, seconds } = report;
  console.error(
    `round ${round}: version ${version}, accuracy ${(100 * accuracy).toFixed(2)}%, loss ${lossNats.toFixed(4)} nats, ` +
      `merged ${merged} (${liarsMerged} lies), refused ${refused} (${report.honestRefused} honest), ` +
      `gate ${report.gateEvaluations} × ≤${report.gateExamples}, ${seconds.toFixed(1)} s`,
  );
}

function rowsOf(options: SimOptions, result: CommunityResult, minutes: number): Row[] {
  const { rounds, baseAccuracy, negativeFlips } = result;
  const percent = (what: string, share: number): Row => ({ what, value: 100 * share, unit: "%" });
  const total = (pick: (round: RoundReport) => number) =>
    rounds.reduce((sum, round) => sum + pick(round), 0);
  const final = percent("accuracy on the report set, last version", rounds.at(-1)?.accuracy ?? 0);
  const reached = rounds.findIndex(({ accuracy }) => accuracy >= ACCURACY_TARGET);
  const isClaim = options.model === "digits" && options.liars === 0;
  return [
    percent("accuracy on the report set, version 0", baseAccuracy),
    ...rounds.map(({ round, accuracy }) => percent(`accuracy after round ${round}`, accuracy)),
    isClaim ? judgedRow(final, ">=", 100 * ACCURACY_TARGET) : final,
    { what: "rounds to 95% (0: never)", value: reached + 1, unit: "rounds" },
    { what: "contributions", value: rounds.length * options.volunteers, unit: "" },
    { what: "merged", value: total(({ merged }) => merged), unit: "" },
    { what: "lies merged", value: total(({ liarsMerged }) => liarsMerged), unit: "" },
    { what: "honest refused", value: total(({ honestRefused }) => honestRefused), unit: "" },
    { what: "gate tests", value: total(({ gateEvaluations }) => gateEvaluations), unit: "" },
    {
      what: "upload of one contribution, mean",
      value: total(({ uploadBytes }) => uploadBytes) / rounds.length,
      unit: "bytes",
    },
    percent("negative flips, last version against version 0", negativeFlips),
    { what: "wall time", value: minutes, unit: "min" },
  ];
}
