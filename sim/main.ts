/** A community in one process: `npm run sim -- --help`. */
import { figuresOf, printFigures } from "../bench/figures.ts";
import { openBackend } from "../kernels/backend.ts";
import { shippedModels } from "../models/shipped.ts";
import { runCommunity } from "./community/community.ts";
import type { VersionReport } from "./community/report.ts";
import { loadModel } from "./community/sim-model.ts";
import { changeRecipe, HELP, parseOptions, type SimOptions } from "./options.ts";
import { runPreset } from "./presets/run-preset.ts";
import { communityRows } from "./rows.ts";

process.once("SIGTERM", () => process.exit(143)); // by way of what ends a preset's processes
const options = parseOptions(process.argv.slice(2));
if (typeof options === "string") {
  console.log(options);
  process.exitCode = options === HELP ? 0 : 1;
} else if (options.preset !== null) {
  printFigures(await runPreset(options.preset, options), options.asJson);
} else {
  await simulate(options);
}

async function simulate(options: SimOptions): Promise<void> {
  const source = shippedModels.find(({ recipe }) => recipe.id === options.model);
  if (source === undefined) return fail(`--model ${options.model}: not shipped`);
  const recipe = changeRecipe(source.recipe, options.changes);
  if (typeof recipe === "string") return fail(recipe);
  const backend = await openBackend({ prefer: "cpu" });
  const model = { ...(await loadModel(source)), recipe };
  console.error(`${options.model}: ${model.layout.size} parameters on ${backend.device}`);
  const { report } = await runCommunity(model, options, tellVersion);
  const figures = figuresOf(`sim ${options.model}`, options.seed, communityRows(report));
  printFigures(figures, options.asJson);
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}

function tellVersion(report: VersionReport): void {
  const { version, at, accuracy, lossNats, merged, liesMerged, tests, gateExamples, backdoor } =
    report;
  console.error(
    `version ${version} at ${at.toFixed(0)} s: accuracy ${(100 * accuracy).toFixed(2)}%, loss ${lossNats.toFixed(4)} nats, ` +
      `merged ${merged} (${liesMerged} lies), gate ${tests} × ≤${gateExamples}, ` +
      `triggered examples that obey ${(100 * backdoor).toFixed(1)}%`,
  );
}
