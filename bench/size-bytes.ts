import { sha256 } from "../core/crypto/signature.ts";
import { layoutOf, modelOf } from "../core/models/registry.ts";
import { unionOfMasks } from "../core/patch/named-masks.ts";
import { encodePositions } from "../core/patch/positions.ts";
import { type Quantised, quantise } from "../core/patch/quantiser.ts";
import type { RandomMask } from "../core/protocol/schemas/mask.ts";
import type { TransformerArchitecture } from "../core/protocol/schemas/transformer.ts";
import { createRandom } from "../core/random.ts";
import { encodeDeltaStep } from "../core/tensors/delta-step.ts";
import { nameCheckpoint, readKeyframe, writeKeyframe } from "../core/tensors/manifest.ts";
import { closeTraining, openTraining } from "../core/training/training-session.ts";
import { judgedRow, type Row } from "./figures.ts";

const CONTRIBUTORS = 8;
const MB = 1e6;

/** What a volunteer of a model moves, and how long the model takes from its last chunk to its first step. */
export async function measureBytes(
  name: string,
  architecture: TransformerArchitecture,
  { parameters, density, seed }: { parameters: Float32Array; density: number; seed: number },
): Promise<Row[]> {
  const { length: size } = parameters;
  const count = Math.floor(size * density);
  const maskOf = (mask: number): RandomMask => ({
    kind: "random",
    seed: (seed + mask).toString(16).padStart(32, "0"),
    count,
  });
  const common = unionOfMasks([maskOf(0)], size);
  const others = Array.from({ length: CONTRIBUTORS }, (_, mask) => maskOf(mask));
  const step = (positions: Uint32Array, masks?: readonly RandomMask[]) =>
    encodeDeltaStep(
      { positions, ...valuesOf(positions.length, seed), ...(masks && { masks }) },
      size,
    ).length;
  const { codes, scales } = valuesOf(count, seed).quantised;
  const patchBytes = Math.ceil(codes.length / 2) + 2 * scales.length; // and a header of 1 kB
  const row = (what: string, bytes: number, most: number) =>
    judgedRow({ what: `${name}, ${what}`, value: bytes / MB, unit: "MB" }, "<=", most);
  return [
    ...(await measureDownload(name, architecture, parameters, common)),
    row("0.5%: upload, common mask", patchBytes, 0.35),
    row("0.5%: upload, own mask", patchBytes + encodePositions(common, size).length, 1.1),
    row("0.5%: a version on a common mask", step(common, [maskOf(0)]), 0.35),
    row("0.5%: a version of eight contributors' own masks", step(unionOfMasks(others, size)), 6.5),
  ];
}

/** The base in 16 bits: bytes that come, and what is done between the last of them and the first step. */
async function measureDownload(
  name: string,
  architecture: TransformerArchitecture,
  parameters: Float32Array,
  positions: Uint32Array,
): Promise<Row[]> {
  const layout = layoutOf(architecture);
  const named = await nameCheckpoint(layout, parameters);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const manifest = await writeKeyframe(layout, parameters, named, async (chunk) => {
    chunks.push(chunk);
    return sha256(chunk);
  });
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  const from = performance.now();
  const work = process.cpuUsage();
  const read = await readKeyframe(manifest, chunks);
  const { id } = await nameCheckpoint(layout, read);
  if (id !== named.id) throw new Error(`${name}: the narrow chunks lead to another checkpoint`);
  closeTraining(openTraining(modelOf(architecture), read, positions, null));
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(work);
  return [
    judgedRow(
      {
        what: `${name}, a base in bf16: first download`,
        value: bytes / layout.size,
        unit: "bytes/parameter",
        against: `${(bytes / MB).toFixed(1)} MB, ${((4 * layout.size) / MB).toFixed(1)} in f32`,
      },
      "<=",
      2.1,
    ),
    judgedRow(
      {
        what: `${name}: from the last chunk to the first step`,
        value: seconds,
        unit: "s",
        against: `processor time ${((user + system) / 1e6).toFixed(1)} s`,
      },
      "<=",
      5,
    ),
  ];
}

function valuesOf(count: number, seed: number): { values: Float32Array; quantised: Quantised } {
  const random = createRandom(seed);
  const values = Float32Array.from({ length: count }, () => (random.below(2001) - 1000) / 1e5);
  return { values, quantised: quantise(values, Uint32Array.of(0)) };
}
