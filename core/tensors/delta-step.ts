import { assert, FormatError } from "../errors.ts";
import { encodeMaskNames, parseMaskNames, unionOfMasks } from "../patch/named-masks.ts";
import { decodePositions, encodePositions } from "../patch/positions.ts";
import { decodeQuantised, encodeQuantised } from "../patch/quantised-tensors.ts";
import { blockStarts, dequantise, type Quantised } from "../patch/quantiser.ts";
import type { RandomMask } from "../protocol/schemas/mask.ts";
import { decodeFloats, encodeFloats } from "./little-endian.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsFile,
  type Tensor,
  tensorOf,
} from "./safetensors.ts";
import { valuesAt } from "./values-at.ts";

/** What changed from a version to the next: replacement values, so that applying adds no rounding. */
export type DeltaStep = {
  /** Flat positions, strictly ascending [k]. */
  readonly positions: Uint32Array;
  /** The next version's parameters there [k]. */
  readonly values: Float32Array;
  /** Where the values are the parent's and a difference in four bits: that difference [k], in one segment. */
  readonly quantised?: Quantised;
  /** Where the positions of a quantised step are what these masks have together: the masks, in the order of their seeds. */
  readonly masks?: readonly RandomMask[];
};

const REPLACING = "commonweight.delta-step/1";
const QUANTISED = "commonweight.delta-step/2";
const MASKED = "commonweight.delta-step/3";
/** How many tensors a file of each format has. */
const TENSORS: ReadonlyMap<string, number> = new Map([
  [REPLACING, 2],
  [QUANTISED, 3],
  [MASKED, 2],
]);
const LIMITS = { maxHeaderBytes: 1024, maxTensors: 3 };

/** A step's blocks go on over the tensors' borders: it can be read without the layout. */
export const STEP_SEGMENTS = Uint32Array.of(0);

/** A delta step of a model with `size` parameters as a canonical safetensors file (protocol T5). */
export function encodeDeltaStep(
  { positions, values, quantised, masks }: DeltaStep,
  size: number,
): Uint8Array<ArrayBuffer> {
  assert(positions.length === values.length, "delta step: a value per position");
  const about = { count: String(positions.length), size: String(size) };
  if (masks !== undefined) {
    assert(quantised !== undefined, "delta step: masks of quantised values");
    return encodeSafetensors({
      tensors: encodeQuantised(quantised),
      metadata: { format: MASKED, masks: encodeMaskNames(masks), ...about },
    });
  }
  const gaps = encodePositions(positions, size);
  const format = quantised === undefined ? REPLACING : QUANTISED;
  const tensors: Tensor[] =
    quantised === undefined
      ? [{ name: "values", dtype: "F32", shape: [values.length], bytes: encodeFloats(values) }]
      : encodeQuantised(quantised);
  return encodeSafetensors({
    tensors: [{ name: "positions", dtype: "U8", shape: [gaps.length], bytes: gaps }, ...tensors],
    metadata: { format, ...about },
  });
}

/** Decode the delta step in `bytes` from a version with these `parameters` [N], which stay as they are. */
export function decodeDeltaStep(bytes: Uint8Array, parameters: Float32Array): DeltaStep {
  const file = decodeSafetensors("delta step", bytes, LIMITS);
  const { format = "", count: declared, size } = file.metadata;
  const tensors = TENSORS.get(format);
  if (tensors === undefined) {
    throw new FormatError(`delta step: format is none of ${[...TENSORS.keys()].join(", ")}`);
  }
  if (file.tensors.size !== tensors) {
    throw new FormatError(`delta step: ${file.tensors.size} tensors, ${tensors} in a ${format}`);
  }
  const count = countOf(file, format);
  if (declared !== String(count) || size !== String(parameters.length)) {
    throw new FormatError(
      `delta step: ${declared} of ${size} declared, ${count} of ${parameters.length} expected`,
    );
  }
  if (format === MASKED) return decodeMasked(file, count, parameters);
  const gaps = tensorOf("delta step", file, "positions", "U8", 1);
  const positions = decodePositions(gaps.bytes, count, parameters.length);
  if (format === REPLACING) {
    const { bytes: values } = tensorOf("delta step", file, "values", "F32", 1);
    return { positions, values: decodeFloats("delta step", values) };
  }
  const quantised = decodeQuantised("delta step", file, blockStarts(STEP_SEGMENTS, count), count);
  return { positions, values: movedValues(parameters, positions, quantised), quantised };
}

function decodeMasked(file: SafetensorsFile, count: number, parameters: Float32Array): DeltaStep {
  const masks = parseMaskNames(file.metadata.masks, count);
  const quantised = decodeQuantised("delta step", file, blockStarts(STEP_SEGMENTS, count), count);
  const positions = unionOfMasks(masks, parameters.length, count);
  if (positions.length !== count) {
    throw new FormatError(`delta step: ${count} values for masks of ${positions.length}`);
  }
  return { positions, values: movedValues(parameters, positions, quantised), quantised, masks };
}

/** How many values the file holds; of the two that an even number of codes may stand for, the one it declares. */
function countOf(file: SafetensorsFile, format: string): number {
  if (format === REPLACING) return tensorOf("delta step", file, "values", "F32", 1).shape[0] ?? 0;
  const most = 2 * tensorOf("delta step", file, "codes", "U8", 1).bytes.length;
  return file.metadata.count === String(most - 1) ? most - 1 : most;
}

/** f32(parameter + scale · code) at each of `positions` [k] (protocol G21). */
export function movedValues(
  parameters: Float32Array,
  positions: Uint32Array,
  quantised: Quantised,
): Float32Array {
  const values = dequantise(quantised, STEP_SEGMENTS);
  for (let i = 0; i < values.length; i++) values[i]! += parameters[positions[i]!]!;
  return values;
}

/** The next version's parameters [N]; `parameters` stay as they are. */
export function applyDeltaStep(
  parameters: Float32Array,
  step: DeltaStep,
): Float32Array<ArrayBuffer> {
  const next = new Float32Array(parameters);
  applyDeltaStepInPlace(next, step);
  return next;
}

/** The same on the spot: a path of many steps copies a large model once. */
export function applyDeltaStepInPlace(
  parameters: Float32Array,
  { positions, values }: DeltaStep,
): void {
  for (let i = 0; i < positions.length; i++) parameters[positions[i]!] = values[i]!;
}

/** What turns the parameters `before` [N] into `after` [N]: the positions whose bits differ. */
export function deltaStepBetween(before: Float32Array, after: Float32Array): DeltaStep {
  assert(before.length === after.length, "delta step: parameters of another layout");
  const bitsBefore = new Uint32Array(before.buffer, before.byteOffset, before.length);
  const bitsAfter = new Uint32Array(after.buffer, after.byteOffset, after.length);
  let count = 0;
  for (let i = 0; i < after.length; i++) if (bitsBefore[i] !== bitsAfter[i]) count++;
  const positions = new Uint32Array(count);
  for (let i = 0, at = 0; i < after.length; i++) {
    if (bitsBefore[i] !== bitsAfter[i]) positions[at++] = i;
  }
  return { positions, values: valuesAt(after, positions) };
}
