import { decodePatch, encodePatch, type Patch } from "../core/patch/patch.ts";
import { decodePositions, encodePositions } from "../core/patch/positions.ts";
import { dequantise, quantise } from "../core/patch/quantiser.ts";
import { randomPositions } from "../core/patch/random-mask.ts";
import type { PatchHeader } from "../core/protocol/schemas/contribution.ts";
import type { Mask } from "../core/protocol/schemas/mask.ts";
import { createRandom } from "../core/random.ts";
import { createLayout } from "../core/tensors/layout.ts";
import { judgedRow, type Row } from "./figures.ts";
import type { BenchOptions } from "./options.ts";
import { medianMs } from "./timing.ts";

const DENSITY = 0.005;
const TARGET = 50; // million entries a second

/** Bits and speed of positions, values and whole patches, 1M entries (quick: 0.2M) at 0.5%. */
export async function measure({ seed, quick }: BenchOptions): Promise<Row[]> {
  const count = quick ? 200_000 : 1_000_000;
  const size = count / DENSITY;
  const maskSeed = seed.toString(16).padStart(32, "0");
  const positions = randomPositions(maskSeed, count, size);
  const random = createRandom(seed);
  const delta = Float32Array.from({ length: count }, () => (random.below(2001) - 1000) / 1e5);
  const segments = Uint32Array.of(0);
  const values = quantise(delta, segments);
  const stream = encodePositions(positions, size);
  const layout = createLayout([{ name: "w", shape: [size] }]);
  const shared = patchOf({ kind: "random", seed: maskSeed, count }, values, null);
  const own = patchOf({ kind: "own", count }, values, positions);
  const sharedBytes = encodePatch(shared, layout, positions);
  const ownBytes = encodePatch(own, layout, null);
  const ms = medianMs(
    {
      encodePositions: () => encodePositions(positions, size),
      decodePositions: () => decodePositions(stream, count, size),
      quantise: () => quantise(delta, segments),
      dequantise: () => dequantise(values, segments),
      encodeShared: () => encodePatch(shared, layout, positions),
      decodeShared: () => decodePatch(sharedBytes, layout, positions),
      encodeOwn: () => encodePatch(own, layout, null),
      decodeOwn: () => decodePatch(ownBytes, layout, null),
    },
    quick ? 5 : 11,
  );
  const speed = (what: string, time: number) =>
    judgedRow({ what, value: count / time / 1e3, unit: "M entries/s" }, ">=", TARGET);
  const valueBytes = count / 2 + 2 * values.scales.length;
  return [
    judgedRow(
      {
        what: "positions, own mask 0.5%",
        value: (8 * stream.length) / count,
        unit: "bit/entry",
        against: `entropy ${(entropyBits(DENSITY) / DENSITY).toFixed(3)}`,
      },
      "<=",
      9.15,
    ),
    judgedRow(
      { what: "values, shared mask 0.5%", value: (8 * valueBytes) / size, unit: "bit/parameter" },
      "<=",
      0.022,
    ),
    judgedRow(
      { what: "header of a patch", value: sharedBytes.length - valueBytes, unit: "bytes" },
      "<=",
      900,
    ),
    speed("positions, encode", ms.encodePositions),
    speed("positions, decode", ms.decodePositions),
    speed("values, quantise", ms.quantise),
    speed("values, dequantise", ms.dequantise),
    speed("patch on a shared mask, encode", ms.encodeShared),
    speed("patch on a shared mask, decode", ms.decodeShared),
    speed("patch on an own mask, encode", ms.encodeOwn),
    speed("patch on an own mask, decode", ms.decodeOwn),
  ];
}

/** Entropy of one coin with probability `p`, in bits. */
function entropyBits(p: number): number {
  return -p * Math.log2(p) - (1 - p) * Math.log2(1 - p);
}

/** A patch with a header of ordinary length. */
function patchOf(
  mask: Mask,
  values: Pick<Patch, "codes" | "scales">,
  positions: Uint32Array | null,
): Patch {
  const header: PatchHeader = {
    format: "commonweight.patch/1",
    contributor: "a".repeat(64),
    ticket: "b".repeat(32),
    model: "presidents",
    base: "c".repeat(64),
    mask,
    shards: [101, 102, 103, 104],
    steps: 50,
    examples: 4800,
    lossBefore: 1.234567890123,
    lossAfter: 1.123456789012,
    licence: "CC0-1.0",
    software: "commonweight/0.1.0",
    device: "webgpu apple metal-3",
  };
  return { header, ...values, positions, fisher: null };
}
