/** Measure and report: `npm run bench -- NAME [--seed N] [--quick] [--json]`. */
import { parseArgs } from "node:util";
import { figuresOf, printFigures, type Row } from "./figures.ts";

export type BenchOptions = {
  readonly seed: number;
  /** A coarser answer within a minute. */
  readonly quick: boolean;
};

/** Each file exports `measure`; loaded only when it is asked for. */
const benches: Record<string, () => Promise<{ measure(options: BenchOptions): Promise<Row[]> }>> = {
  codec: () => import("./codec.ts"),
  gate: () => import("./gate.ts"),
  mask: () => import("./mask.ts"),
  merge: () => import("./merge.ts"),
  "spot-check": () => import("./spot-check.ts"),
  walk: () => import("./walk.ts"),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "1" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
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
  printFigures(figuresOf(name, seed, await measure({ seed, quick: values.quick })), values.json);
}
