import type { Row } from "./figures.ts";
import type { BenchOptions } from "./options.ts";
import type { ContestantName, Entry } from "./training/contestant.ts";
import { findGpu } from "./training/dawn.ts";
import { openChromium, openNode, type Venue } from "./training/hosts.ts";
import { rowsOf, shareRow } from "./training/rows.ts";
import { SHAPES, type ShapeName } from "./training/shapes.ts";
import { type Patience, timeEntries } from "./training/timings.ts";
import { WASM_FOLDER } from "./training/wasm-folder.ts";

type Backend = "webgpu" | "cpu" | "dawn";

const BACKENDS: readonly Backend[] = ["webgpu", "cpu", "dawn"];

const EVERYBODY: readonly ContestantName[] = [
  "sparse 0.5%",
  "sparse 2%",
  "sparse band",
  "dense 100%",
  "plain tfjs",
  "jax-js",
  "nanogpt",
];
const QUICK: readonly ContestantName[] = ["sparse 0.5%", "dense 100%", "plain tfjs", "jax-js"];

const THOROUGH: Patience = { rounds: 7, sampleMs: 250, mostMs: 25_000 };
const HASTY: Patience = { rounds: 3, sampleMs: 100, mostMs: 3_000 };

/**
 * A training step of ours, sparse and dense, beside the same model's in plain tfjs, jax-js and nanogpt: in Chromium's
 * WebGPU, on one thread of the processor in Node, and, where there is a real GPU, in Node through Dawn.
 */
export async function measure({ quick, backend }: BenchOptions): Promise<Row[]> {
  const backends = backend === null ? BACKENDS : BACKENDS.filter((one) => one === backend);
  if (backends.length === 0) throw new Error(`--backend ${backend}: ${BACKENDS.join(", ")}`);
  const rows: Row[] = [];
  for (const one of backends) rows.push(...(await measureBackend(one, quick)));
  return rows;
}

async function measureBackend(backend: Backend, quick: boolean): Promise<Row[]> {
  switch (backend) {
    case "webgpu":
      return measureVenue("Chromium WebGPU", await openChromium(), "webgpu", quick);
    case "cpu":
      return measureVenue("CPU, one thread", openNode(null), "wasm", quick);
    case "dawn": {
      const gpu = await findGpu();
      const found = { what: "Dawn: real GPUs", value: gpu === null ? 0 : 1, unit: "found" };
      if (gpu === null) return [found];
      const where = `Dawn on ${gpu.name}`;
      return [
        found,
        ...(await measureVenue(where, openNode(gpu), "webgpu", quick)),
        ...(quick ? [] : await measureShare(where, openNode(gpu))),
      ];
    }
  }
}

async function measureVenue(
  where: string,
  venue: Venue,
  backend: Entry["backend"],
  quick: boolean,
): Promise<Row[]> {
  const shapes: ShapeName[] = quick ? ["mlp", "gpt-2-128"] : ["mlp", "gpt-2-128", "gpt-4-256"];
  const rows: Row[] = [];
  try {
    for (const shape of shapes) {
      const entries = (quick ? QUICK : EVERYBODY)
        .filter((name) => name !== "nanogpt" || (backend === "webgpu" && shape !== "mlp"))
        .map((contestant) => entryOf(contestant, shape, backend));
      console.error(`${where}, ${SHAPES[shape].name} …`);
      rows.push(...rowsOf(where, await timeEntries(venue, entries, quick ? HASTY : THOROUGH)));
    }
  } finally {
    await venue.close();
  }
  return rows;
}

/** How much of what the device does at best in a product our step gets out of it, at GPT-2 small. */
async function measureShare(where: string, venue: Venue): Promise<Row[]> {
  const names = ["sparse 0.5%", "product, ours", "product, tfjs"] as const;
  const entries = names.map((name) => entryOf(name, "gpt-2-small", "webgpu"));
  try {
    return [shareRow(where, await timeEntries(venue, entries, THOROUGH))];
  } finally {
    await venue.close();
  }
}

function entryOf(contestant: ContestantName, shape: ShapeName, backend: Entry["backend"]): Entry {
  return { contestant, shape, backend, wasmFolder: WASM_FOLDER };
}
