import { judgedRow, type Row } from "../figures.ts";
import type { ContestantName, RivalName } from "./contestant.ts";
import { floorOf } from "./floor.ts";
import { PRODUCT_OPERATIONS } from "./product-size.ts";
import { isGpt, SHAPES, type Shape } from "./shapes.ts";
import type { Timing } from "./timings.ts";

const MOST_DISPATCHES = 80; // a step of GPT 2/128

/** Each contestant at one shape, by its name. */
type Results = {
  readonly shape: Shape;
  readonly backend: "webgpu" | "wasm";
  readonly of: (contestant: ContestantName) => Timing | undefined;
  readonly sparse: Timing;
  readonly dense: Timing;
  readonly plain: Timing;
  /** A row's name. */
  readonly what: (about: string) => string;
};

/** Everything about one shape: each one's speed, then what was promised. */
export function rowsOf(where: string, timings: readonly Timing[]): Row[] {
  const found = new Map(timings.map((timing) => [timing.entry.contestant, timing]));
  const [sparse, dense, plain] = [
    found.get("sparse 0.5%"),
    found.get("dense 100%"),
    found.get("plain tfjs"),
  ];
  if (sparse === undefined || dense === undefined || plain === undefined) {
    throw new Error("a sparse, a dense and a plain step are what the others are compared with");
  }
  const shape = SHAPES[sparse.entry.shape];
  const results: Results = {
    shape,
    backend: sparse.entry.backend,
    of: (contestant) => found.get(contestant),
    sparse,
    dense,
    plain,
    what: (about) => `${where}, ${shape.name}: ${about}`,
  };
  return [
    ...timings.flatMap((timing) => speedRows(results, timing)),
    ...againstDense(results),
    ...againstRivals(results),
    memoryRow(results, timings),
    ...dispatchRows(results),
  ];
}

function speedRows({ shape, what }: Results, timing: Timing): Row[] {
  const { entry, ms, processorMs, runs, inspection } = timing;
  const { operations, bytes } = floorOf(shape, entry.contestant);
  const floor = `${(operations / 1e9).toPrecision(3)} G operations, ${(bytes / 1e6).toPrecision(3)} MB`;
  const asked = inspection.dispatches === null ? "" : `; ${inspection.dispatches} dispatches`;
  const work = processorMs === null ? "" : `; ${processorMs.toFixed(0)} ms of processor time`;
  const against = `floor ${floor}${asked}${work}; runs ${runs}`;
  const perSecond = (1000 * shape.unitsAStep) / ms;
  return [
    { what: what(entry.contestant), value: ms, unit: "ms/step", against },
    { what: what(entry.contestant), value: perSecond, unit: `${shape.unit}/s` },
  ];
}

function againstDense({ shape, of, dense, what }: Results): Row[] {
  const rows: Row[] = [];
  for (const contestant of ["sparse 0.5%", "sparse band"] as const) {
    const timing = of(contestant);
    if (timing === undefined) continue;
    const ceiling = floorOf(shape, "dense 100%").operations / floorOf(shape, contestant).operations;
    const row = {
      what: what(`${contestant} against our dense step`),
      ...ratio(timing, dense),
      against: `ceiling by operations ${ceiling.toFixed(2)}; ${clocks(timing, dense)}`,
    };
    // promised where layers are many and equal enough to save a third
    rows.push(dense.entry.shape === "gpt-4-256" ? judgedRow(row, ">=", 1.25) : row);
  }
  return rows;
}

function againstRivals({ shape, backend, of, sparse, dense, what }: Results): Row[] {
  const promises = [
    ["plain tfjs", 3],
    ["nanogpt", 2],
    ["jax-js", 1],
  ] as const;
  const rows: Row[] = [];
  for (const [rival, promise] of promises) {
    const timing = of(rival);
    if (timing === undefined) continue;
    const ours = `our dense step ${ratio(dense, timing).value.toFixed(2)}`;
    const row = {
      what: what(`sparse 0.5% against ${rival}`),
      ...ratio(sparse, timing),
      against: `${ours}; ${clocks(sparse, timing)}; ${noteOf(rival, shape, backend)}`,
    };
    rows.push(judgedRow(row, ">=", promise));
  }
  return rows;
}

function memoryRow({ sparse, plain, what }: Results, timings: readonly Timing[]): Row {
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const tensors = ({ inspection }: Timing) => inspection.peakTensorBytes;
  const buffers = timings.flatMap(({ entry, inspection: { peakBufferBytes } }) =>
    peakBufferBytes === null ? [] : `${entry.contestant} ${megabytes(peakBufferBytes)}`,
  );
  const all = buffers.length === 0 ? "" : `; all device buffers: ${buffers.join(", ")}`;
  const row = {
    what: what("peak tensor bytes, sparse 0.5% against plain tfjs"),
    value: tensors(sparse) / tensors(plain),
    unit: "times",
    against: `${megabytes(tensors(sparse))} against ${megabytes(tensors(plain))}${all}`,
  };
  return judgedRow(row, "<=", 0.6);
}

function dispatchRows({ sparse, plain, what }: Results): Row[] {
  const { entry, inspection } = sparse;
  if (entry.shape !== "gpt-2-128" || inspection.dispatches === null) return [];
  const row = {
    what: what("sparse 0.5%"),
    value: inspection.dispatches,
    unit: "dispatches a step",
  };
  const against = `unsplit, as on a device that is fast enough; plain tfjs ${plain.inspection.dispatches}`;
  return [judgedRow({ ...row, against }, "<=", MOST_DISPATCHES)];
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

/** What a rival is, where it differs from the same model trained alike. */
function noteOf(rival: RivalName, shape: Shape, backend: "webgpu" | "wasm"): string {
  switch (rival) {
    case "plain tfjs": {
      const isProduct = isGpt(shape) && backend === "wasm";
      const lookup = isProduct ? "; lookup as a product, since wasm lacks UnsortedSegmentSum" : "";
      return `tape, one-hot targets, tf.train.adam${lookup}`;
    }
    case "jax-js": {
      const lookup = isGpt(shape) ? "; lookup as a product, since jit lacks scatter" : "";
      return `jit of value, gradient and Adam${lookup}`;
    }
    case "nanogpt":
      return "its own trainer; RMS norms and no biases, so a little less work";
  }
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
