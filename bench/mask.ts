import { fisherPositions } from "../core/patch/fisher-mask.ts";
import { encodePositions } from "../core/patch/positions.ts";
import { randomPositions } from "../core/patch/random-mask.ts";
import { createRandom } from "../core/random.ts";
import { createLayout } from "../core/tensors/layout.ts";
import { judgedRow, type Row } from "./figures.ts";
import { allocatedBytes } from "./memory.ts";
import type { BenchOptions } from "./options.ts";
import { medianMs } from "./timing.ts";

const PARAMETERS = 124_000_000; // GPT-2 small
const DENSITY = 0.005;
const TENSORS = 124;

/** What it takes to choose 0.5% of 124M parameters (quick: of 12.4M), by a seed and by Fisher information. */
export async function measure({ seed, quick }: BenchOptions): Promise<Row[]> {
  const size = quick ? PARAMETERS / 10 : PARAMETERS;
  const count = size * DENSITY;
  const shapes = Array.from({ length: TENSORS }, (_, n) => ({
    name: `w${n}`,
    shape: [size / TENSORS],
  }));
  const layout = createLayout(shapes);
  const random = createRandom(seed);
  const fisher = new Float32Array(size);
  for (let i = 0; i < size; i++) fisher[i] = (random.uint32() / 2 ** 32) ** 8; // over many decades
  const protectedFisher = fisher.toReversed();
  const maskSeed = seed.toString(16).padStart(32, "0");
  const options = { fisher, layout, count, seed: maskSeed };
  const bounds = {
    quotas: [{ tensors: ["w0"], share: 0.05 }],
    caps: { ofTensor: 0.05, ofMask: 0.1 },
  };
  const ms = medianMs(
    {
      random: () => randomPositions(maskSeed, count, size),
      fisher: () => fisherPositions(options),
      bounded: () => fisherPositions({ ...options, ...bounds, protectedFisher }),
    },
    quick ? 3 : 5,
  );
  const bytes = allocatedBytes(() => fisherPositions({ ...options, ...bounds, protectedFisher }));
  const stream = encodePositions(fisherPositions(options), size);
  const against = `${count} of ${size / 1e6}M parameters`;
  const unit = "ms";
  return [
    { what: "random", value: ms.random, unit, against },
    { what: "by Fisher", value: ms.fisher, unit, against },
    { what: "by Fisher, damped, with a quota and caps", value: ms.bounded, unit, against },
    judgedRow({ what: "its memory", value: bytes / count, unit: "bytes/position" }, "<=", 150),
    {
      what: "the mask as bytes",
      value: (8 * stream.length) / count,
      unit: "bit/position",
      against: "entropy of a random one 9.083",
    },
  ];
}
