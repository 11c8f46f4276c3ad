/**
 * Measure and report: `npm run bench -- NAME [--seed N] [--quick] [--json]`, and for train `[--backend webgpu|cpu|dawn]`.
 * Dawn runs on a real GPU only; BENCH_SOFTWARE_GPU=1 lets it take SwiftShader, where LD_LIBRARY_PATH finds
 * libvulkan.so.1 and VK_ICD_FILENAMES names Chromium's vk_swiftshader_icd.json.
 */
import { parseArgs } from "node:util";
import { figuresOf, printFigures, type Row } from "./figures.ts";

import type { BenchOptions } from "./options.ts";

/** Each file exports `measure`; loaded only when it is asked for. */
const benches: Record<string, () => Promise<{ measure(options: BenchOptions): Promise<Row[]> }>> = {
  codec: () => import("./codec.ts"),
  data: () => import("./data.ts"),
  gate: () => import("./gate.ts"),
  history: () => import("./history.ts"),
  mask: () => import("./mask.ts"),
  judge: () => import("./judge.ts"),
  merge: () => import("./merge.ts"),
  merging: () => import("./merging.ts"),
  owners: () => import("./owners.ts"),
  page: () => import("./page.ts"),
  relay: () => import("./relay.ts"),
  size: () => import("./size.ts"),
  "spot-check": () => import("./spot-check.ts"),
  swarm: () => import("./swarm.ts"),
  train: () => import("./train.ts"),
  walk: () => import("./walk.ts"),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "1" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    backend: { type: "string" },
  },
});
const [name = ""] = positionals;
const load = benches[name];
if (load === undefined) {
  console.error(`npm run bench -- NAME, one of: ${Object.keys(benches).join(", ")}`);
  process.exitCode = 1;
} else {
  const seed = Number(values.seed);
  const { measure } = await load();
  const options = { seed, quick: values.quick, backend: values.backend ?? null };
  printFigures(figuresOf(name, seed, await measure(options)), values.json);
}
