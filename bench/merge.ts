import { mergeFisher } from "../core/merge/fisher.ts";
import { mergeMean } from "../core/merge/mean.ts";
import type { MergeInput } from "../core/merge/patch-sum.ts";
import { quantiseStep } from "../core/merge/quantised-step.ts";
import { randomPositions } from "../core/patch/random-mask.ts";
import { createRandom } from "../core/random.ts";
import { judgedRow, type Row } from "./figures.ts";
import { allocatedBytes } from "./memory.ts";
import type { BenchOptions } from "./options.ts";
import { medianMs } from "./timing.ts";

const PARAMETERS = 124_000_000; // GPT-2 small
const DENSITY = 0.005;
const PATCHES = 16;
const CROWD = 1000;

/** Entries merged a second on one core, and memory: patches of 0.5% into 124M parameters (quick: 12.4M). */
export async function measure({ seed, quick }: BenchOptions): Promise<Row[]> {
  const size = quick ? PARAMETERS / 10 : PARAMETERS;
  const entries = size * DENSITY;
  const base = new Float32Array(size).fill(0.01); // every page is there before the clock starts
  const maskOf = (n: number) =>
    randomPositions((seed * 1000 + n).toString(16).padStart(32, "0"), entries, size);
  const mask = maskOf(0);
  const shared = Array.from({ length: PATCHES }, (_, n) => createInput(mask, n));
  const own = Array.from({ length: PATCHES }, (_, n) => createInput(maskOf(n + 1), n));
  const onShared = mergeMean({ base, inputs: shared, outerStep: 1 });
  const onOwn = mergeMean({ base, inputs: own, outerStep: 1 });
  const copy = new Float32Array(size);
  const ms = medianMs(
    {
      shared: () => mergeMean({ base, inputs: shared, outerStep: 1 }),
      own: () => mergeMean({ base, inputs: own, outerStep: 1 }),
      sharedFisher: () => mergeFisher({ base, inputs: shared, outerStep: 1 }),
      ownFisher: () => mergeFisher({ base, inputs: own, outerStep: 1 }),
      sharedBits: () => quantiseStep(base, onShared),
      ownBits: () => quantiseStep(base, onOwn),
      copy: () => copy.set(base),
    },
    quick ? 3 : 7,
  );
  const what = `${PATCHES} patches of ${100 * DENSITY}% into ${size / 1e6}M parameters`;
  const against = `copying f32: ${((size * 4) / ms.copy / 1e6).toFixed(1)} GB/s`;
  const speed = (kind: string, time: number): Row => {
    const value = (PATCHES * entries) / time / 1e3;
    return { what: `${kind}, ${what}`, value, unit: "M entries/s", against };
  };
  return [
    judgedRow(speed("mean, shared mask", ms.shared), ">=", 300),
    judgedRow(speed("mean, own masks", ms.own), ">=", 50),
    speed("fisher, shared mask", ms.sharedFisher),
    speed("fisher, own masks", ms.ownFisher),
    speed("the mean and its step in four bits, shared mask", ms.shared + ms.sharedBits),
    speed("the mean and its step in four bits, own masks", ms.own + ms.ownBits),
    crowdRow(base, shared),
    ownCrowdRow(base, maskOf),
    growthRow(own),
    timeRow(shared),
  ];
}

/** What a crowd's patches on one mask need besides themselves; its members hold the same few codes. */
function crowdRow(base: Float32Array, shared: readonly MergeInput[]): Row {
  const inputs = Array.from({ length: CROWD }, (_, n) => shared[n % PATCHES]!);
  const entries = inputs[0]!.positions.length;
  const bytes = allocatedBytes(() => mergeMean({ base, inputs, outerStep: 1 }));
  const row = {
    what: `memory of a mean of ${CROWD} patches of ${100 * DENSITY}% on a shared mask`,
    value: bytes / entries,
    unit: "bytes/entry of the mask",
    against: `the patches' codes: ${CROWD}`,
  };
  return judgedRow(row, "<=", 8);
}

/** The same where each has a mask of its own, so that together they cover nearly every position. */
function ownCrowdRow(base: Float32Array, maskOf: (n: number) => Uint32Array): Row {
  const first = createInput(maskOf(0), 0); // positions are what tells the others from it
  const inputs = Array.from({ length: CROWD }, (_, n) => ({ ...first, positions: maskOf(n) }));
  const bytes = Math.max(
    ...[mergeMean, mergeFisher].map((merge) =>
      allocatedBytes(() => merge({ base, inputs, outerStep: 1 })),
    ),
  );
  const patches = CROWD * first.positions.length * 6; // bytes: a position, a code, a Fisher weight
  const row = {
    what: `memory of a merge of ${CROWD} patches of ${100 * DENSITY}% on masks of their own`,
    value: bytes / base.length,
    unit: "bytes/parameter",
    against: `${(bytes / 1e6).toFixed(0)} MB; the patches themselves are ${(patches / 1e6).toFixed(0)} MB`,
  };
  return judgedRow(row, "<=", 8.5);
}

/** How much more memory a merge of the same patches needs when the model has ten times the parameters. */
function growthRow(own: readonly MergeInput[]): Row {
  const size = own.reduce((most, { positions }) => Math.max(most, positions.at(-1)! + 1), 0);
  const bytesFor = (base: Float32Array) =>
    Math.max(
      ...[mergeMean, mergeFisher].map((merge) =>
        allocatedBytes(() => merge({ base, inputs: own, outerStep: 1 })),
      ),
    );
  const small = bytesFor(new Float32Array(size)); // zeros that nobody reads take no memory
  const large = bytesFor(new Float32Array(10 * size));
  const row = {
    what: "memory of a merge of own masks, the same patches in 10 times the parameters",
    value: large / small,
    unit: "times",
    against: `${(large / 2 ** 20).toFixed(0)} MiB`,
  };
  return judgedRow(row, "<=", 1.05);
}

/** How much longer a merge on a shared mask takes when the model has ten times the parameters. */
function timeRow(shared: readonly MergeInput[]): Row {
  const size = shared[0]!.positions.at(-1)! + 1;
  const run = (base: Float32Array) => () => mergeMean({ base, inputs: shared, outerStep: 1 });
  const small = run(new Float32Array(size).fill(0.01));
  const large = run(new Float32Array(10 * size).fill(0.01, 0, size)); // what nobody reads takes no memory
  const ms = medianMs({ small, large }, 7);
  const row = {
    what: "time of a mean on a shared mask, the same patches in 10 times the parameters",
    value: ms.large / ms.small,
    unit: "times",
    against: `${ms.large.toFixed(1)} ms`,
  };
  return judgedRow(row, "<=", 1.2);
}

function createInput(positions: Uint32Array, n: number): MergeInput {
  const random = createRandom(`bench merge ${n}`);
  return {
    positions,
    codes: Int8Array.from(positions, () => random.below(15) - 7),
    scales: new Uint16Array(Math.ceil(positions.length / 64)).fill(0x1234 + n),
    segments: Uint32Array.of(0),
    multiplier: 4096 - n,
    fisher: Uint8Array.from(positions, () => 100 + random.below(156)),
  };
}
