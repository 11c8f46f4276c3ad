import { assert, FormatError } from "../errors.ts";
import { decodePositions, encodePositions } from "../patch/positions.ts";
import { decodeFloats, encodeFloats } from "./little-endian.ts";
import { decodeSafetensors, encodeSafetensors, tensorOf } from "./safetensors.ts";

/** What changed from a version to the next: replacement values, so that applying adds no rounding. */
export type DeltaStep = {
  /** Flat positions, strictly ascending [k]. */
  readonly positions: Uint32Array;
  /** The next version's parameters there [k]. */
  readonly values: Float32Array;
  /** Parameters of the model. */
  readonly size: number;
};

const FORMAT = "commonweight.delta-step/1";
const LIMITS = { maxHeaderBytes: 1024, maxTensors: 2 };

/** A delta step as a canonical safetensors file (protocol T5). */
export function encodeDeltaStep({ positions, values, size }: DeltaStep): Uint8Array<ArrayBuffer> {
  assert(positions.length === values.length, "delta step: a value per position");
  const gaps = encodePositions(positions, size);
  return encodeSafetensors({
    tensors: [
      { name: "positions", dtype: "U8", shape: [gaps.length], bytes: gaps },
      { name: "values", dtype: "F32", shape: [values.length], bytes: encodeFloats(values) },
    ],
    metadata: { format: FORMAT, count: String(positions.length), size: String(size) },
  });
}

/** Decode a delta step of a model with `size` parameters. */
export function decodeDeltaStep(bytes: Uint8Array, size: number): DeltaStep {
  const file = decodeSafetensors("delta step", bytes, LIMITS);
  const gaps = tensorOf("delta step", file, "positions", "U8", 1);
  const { bytes: valueBytes, shape } = tensorOf("delta step", file, "values", "F32", 1);
  const [count = 0] = shape;
  const { metadata } = file;
  if (metadata.format !== FORMAT) throw new FormatError(`delta step: format is not ${FORMAT}`);
  if (metadata.count !== String(count) || metadata.size !== String(size)) {
    throw new FormatError(
      `delta step: ${metadata.count} of ${metadata.size} declared, ${count} of ${size} expected`,
    );
  }
  const positions = decodePositions(gaps.bytes, count, size);
  return { positions, values: decodeFloats("delta step", valueBytes), size };
}

/** The next version's parameters [N]; `parameters` stay as they are. */
export function applyDeltaStep(
  parameters: Float32Array,
  step: DeltaStep,
): Float32Array<ArrayBuffer> {
  assert(parameters.length === step.size, "delta step: parameters of another layout");
  const next = new Float32Array(parameters);
  for (let i = 0; i < step.positions.length; i++) next[step.positions[i]!] = step.values[i]!;
  return next;
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
  return {
    positions,
    values: Float32Array.from(positions, (position) => after[position]!),
    size: after.length,
  };
}
