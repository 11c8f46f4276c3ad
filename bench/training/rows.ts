import { judgedRow, type Row } from "../figures.ts";
import type { ContestantName, RivalName } from "./contestant.ts";
import { type Floor, floorOf } from "./floor.ts";
import { PRODUCT_OPERATIONS } from "./product-size.ts";
import { SHAPES } from "./shapes.ts";
import type { Timing } from "./timings.ts";

/** Everything about one shape in one place: each one's speed, then what was promised. */
export function rowsOf(where: string, timings: readonly Timing[]): Row[] {
  const { shape: name, backend } = timings[0]!.entry;
  const shape = SHAPES[name];
  const what = (of: string) => `${where}, ${shape.name}: ${of}`;
  const found = new Map(timings.map((timing) => [timing.entry.contestant, timing]));
  const floor = (contestant: ContestantName) => floorOf(shape, contestant);
  const rows = timings.flatMap(({ entry: { contestant }, ms, processorMs, runs, inspection }) => {
    const asked = inspection.dispatches === null ? "" : `, ${inspection.dispatches} dispatches`;
    const work = processorMs === null ? "" : `; ${processorMs.toFixed(0)} ms of processor time`;
    return [
      {
        what: what(contestant),
        value: ms,
        unit: "ms/step",
        against: `floor ${words(floor(contestant))}${asked}${work}; runs ${runs}`,
      },
      { what: what(contestant), value: (1000 * shape.unitsAStep) / ms, unit: `${shape.unit}/s` },
    ];
  });

  const sparse = found.get("sparse 0.5%")!;
  const dense = found.get("dense 100%")!;
  const isLarge = name === "gpt-4-256"; // where layers are many and equal enough to save a third
  for (const contestant of ["sparse 0.5%", "sparse band"] as const) {
    const timing = found.get(contestant);
    if (timing === undefined) continue;
    const ceiling = floor("dense 100%").operations / floor(contestant).operations;
    const row = {
      what: what(`${contestant} against our dense step`),
      ...ratio(timing, dense),
      against: `ceiling by operations ${ceiling.toFixed(2)}; ${clocks(timing, dense)}`,
    };
    rows.push(isLarge ? judgedRow(row, ">=", 1.25) : row);
  }

  const promises: Record<RivalName, number> = { "plain tfjs": 3, nanogpt: 2, "jax-js": 1 };
  for (const [rival, promise] of Object.entries(promises) as [RivalName, number][]) {
    const timing = found.get(rival);
    if (timing === undefined) continue;
    const row = {
      what: what(`sparse 0.5% against ${rival}`),
      ...ratio(sparse, timing),
      against: `our dense step ${ratio(dense, timing).value.toFixed(2)}; ${clocks(sparse, timing)}. ${NOTES[rival][backend]}`,
    };
    rows.push(judgedRow(row, ">=", promise));
  }
  rows.push(...memoryRows(what, sparse, found));
  if (name === "gpt-2-128" && sparse.inspection.dispatches !== null) {
    const row = { what: what("sparse 0.5%"), value: sparse.inspection.dispatches };
    rows.push(judgedRow({ ...row, unit: "dispatches a step" }, "<=", 80));
  }
  return rows;
}

/** How many times as fast as `other`: by processor time where that is known, else by the clock. */
function ratio(one: Timing, other: Timing): { value: number; unit: string } {
  const isKnown = one.processorMs !== null && other.processorMs !== null;
  const value = isKnown ? other.processorMs / one.processorMs : other.ms / one.ms;
  return { value, unit: "times as fast" };
}

function clocks(one: Timing, other: Timing): string {
  if (one.processorMs === null) return `runs ${other.runs}`;
  return `in processor time, by the clock ${(other.ms / one.ms).toFixed(2)}`;
}

/** What each rival is, where it differs from the same model trained alike. */
const NOTES: Record<RivalName, Record<"webgpu" | "wasm", string>> = {
  "plain tfjs": {
    webgpu: "Tape, one-hot targets, tf.train.adam",
    wasm: "Tape, one-hot targets, tf.train.adam; lookup as a product: wasm has no UnsortedSegmentSum",
  },
  "jax-js": {
    webgpu: "jit of value, gradient and Adam; lookup as a product: jit has no scatter",
    wasm: "jit of value, gradient and Adam; lookup as a product: jit has no scatter",
  },
  nanogpt: {
    webgpu: "Its own trainer; RMS norms and no biases, so less work",
    wasm: "",
  },
};

function memoryRows(
  what: (of: string) => string,
  sparse: Timing,
  found: ReadonlyMap<ContestantName, Timing>,
): Row[] {
  const plain = found.get("plain tfjs")!;
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const of = ({ inspection }: Timing) => inspection.peakTensorBytes;
  const buffers = Array.from(found.values(), ({ entry, inspection }) =>
    inspection.peakBufferBytes === null
      ? null
      : `${entry.contestant} ${megabytes(inspection.peakBufferBytes)}`,
  ).filter((text) => text !== null);
  const all = buffers.length === 0 ? "" : `; all device buffers: ${buffers.join(", ")}`;
  const row = {
    what: what("peak tensor bytes, sparse 0.5% against plain tfjs"),
    value: of(sparse) / of(plain),
    unit: "times",
    against: `${megabytes(of(sparse))} against ${megabytes(of(plain))}${all}`,
  };
  return [judgedRow(row, "<=", 0.6)];
}

/** Our step's operations a second as a share of the best product's. */
export function shareRow(where: string, timings: readonly Timing[]): Row {
  const [step, ...products] = timings;
  const best = Math.max(...products.map(({ ms }) => PRODUCT_OPERATIONS / ms));
  const { operations } = floorOf(SHAPES["gpt-2-small"], "sparse 0.5%");
  const row = {
    what: `${where}, GPT-2 small: share of the device's product rate`,
    value: (100 * operations) / step!.ms / best,
    unit: "%",
    against: `${(best / 1e9).toFixed(2)} T operations/s in the best product; ${step!.ms.toFixed(0)} ms a step`,
  };
  return judgedRow(row, ">=", 50);
}

function words({ operations, bytes }: Floor): string {
  return `${(operations / 1e9).toPrecision(3)} G operations, ${(bytes / 1e6).toPrecision(3)} MB`;
}
