import { mergeMean } from "../core/merge/mean.ts";
import type { MergeInput } from "../core/merge/patch-sum.ts";
import { randomPositions } from "../core/patch/random-mask.ts";
import { createRandom } from "../core/random.ts";
import { judgedRow, type Row } from "./figures.ts";
import type { BenchOptions } from "./main.ts";
import { medianMs } from "./timing.ts";

const PARAMETERS = 124_000_000; // GPT-2 small
const DENSITY = 0.005;
const PATCHES = 16;

/** Entries merged a second on one core: 16 patches of 0.5% into 124M parameters (quick: 12.4M). */
export async function measure({ seed, quick }: BenchOptions): Promise<Row[]> {
  const size = quick ? PARAMETERS / 10 : PARAMETERS;
  const entries = size * DENSITY;
  const base = new Float32Array(size).fill(0.01); // every page is there before the clock starts
  const maskOf = (n: number) =>
    randomPositions((seed * 1000 + n).toString(16).padStart(32, "0"), entries, size);
  const shared = maskOf(0);
  const sharedInputs = Array.from({ length: PATCHES }, (_, n) => createInput(shared, n));
  const ownInputs = Array.from({ length: PATCHES }, (_, n) => createInput(maskOf(n + 1), n));
  const copy = new Float32Array(size);
  const ms = medianMs(
    {
      shared: () => mergeMean({ base, inputs: sharedInputs, outerStep: 1 }),
      own: () => mergeMean({ base, inputs: ownInputs, outerStep: 1 }),
      copy: () => copy.set(base),
    },
    quick ? 3 : 7,
  );
  const millionsPerSecond = (time: number) => (PATCHES * entries) / time / 1e3;
  const against = `copying f32: ${((size * 4) / ms.copy / 1e6).toFixed(1)} GB/s`;
  const unit = "M entries/s";
  const what = `${PATCHES} patches of ${100 * DENSITY}% into ${size / 1e6}M parameters`;
  return [
    judgedRow(
      { what: `shared mask, ${what}`, value: millionsPerSecond(ms.shared), unit, against },
      ">=",
      300,
    ),
    judgedRow(
      { what: `own masks, ${what}`, value: millionsPerSecond(ms.own), unit, against },
      ">=",
      50,
    ),
  ];
}

function createInput(positions: Uint32Array, n: number): MergeInput {
  const random = createRandom(`bench merge ${n}`);
  return {
    positions,
    codes: Int8Array.from(positions, () => random.below(15) - 7),
    scales: new Uint16Array(Math.ceil(positions.length / 64)).fill(0x1234 + n),
    segments: Uint32Array.of(0),
    multiplier: 4096 - n,
  };
}
