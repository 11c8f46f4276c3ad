import { FormatError } from "../errors.ts";
import { applyMoves, encodeMoves } from "../patch/moves.ts";
import { encodeMaskNames, parseMaskNames, unionOfMasks } from "../patch/named-masks.ts";
import { decodePositions, encodePositions } from "../patch/positions.ts";
import { BLOCK_VALUES } from "../patch/quantiser.ts";
import type { DeltaStep } from "./delta-step.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsFile,
  type Tensor,
  tensorOf,
} from "./safetensors.ts";
import { valuesAt } from "./values-at.ts";

/** Fewer steps have fewer bytes than what they come to: a code takes 4.25 bits, a move some 20. */
export const LEAST_DIFFERENCE_STEPS = 4;

const FORMAT = "commonweight.difference/1";
const LIMITS = { maxHeaderBytes: 1024, maxTensors: 3 };

/**
 * What several steps in a row come to from these `parameters` [N], as one canonical safetensors file (protocol T13): a
 * value takes some 20 bits, however many steps moved it.
 */
export function encodeDifference(
  { positions, values, masks }: DeltaStep,
  parameters: Float32Array,
): Uint8Array<ArrayBuffer> {
  const { orders, codes } = encodeMoves(valuesAt(parameters, positions), values);
  const about = { count: String(positions.length), size: String(parameters.length) };
  const tensors = [bytesTensor("codes", codes), bytesTensor("orders", orders)];
  if (masks !== undefined) {
    const metadata = { format: FORMAT, masks: encodeMaskNames(masks), ...about };
    return encodeSafetensors({ tensors, metadata });
  }
  tensors.push(bytesTensor("positions", encodePositions(positions, parameters.length)));
  return encodeSafetensors({ tensors, metadata: { format: FORMAT, ...about } });
}

/** Decode the difference in `bytes` from a version with these `parameters` [N], which stay as they are. Throws a FormatError for other bytes. */
export function decodeDifference(bytes: Uint8Array, parameters: Float32Array): DeltaStep {
  const file = decodeSafetensors("difference", bytes, LIMITS);
  const { format, count: declared = "", size, masks } = file.metadata;
  if (format !== FORMAT) throw new FormatError(`difference: format is not ${FORMAT}`);
  const tensors = masks === undefined ? 3 : 2;
  if (file.tensors.size !== tensors) {
    throw new FormatError(`difference: ${file.tensors.size} tensors of ${tensors}`);
  }
  const { bytes: codes } = tensorOf("difference", file, "codes", "U8", 1);
  const { bytes: orders } = tensorOf("difference", file, "orders", "U8", 1);
  const count = Number(/^\d{1,10}$/.test(declared) ? declared : Number.NaN);
  const isCount = Math.ceil(count / BLOCK_VALUES) === orders.length;
  if (!isCount || size !== String(parameters.length)) {
    const expected = `${orders.length} blocks of ${parameters.length} expected`;
    throw new FormatError(`difference: ${declared} of ${size} declared, ${expected}`);
  }
  if (count > 8 * codes.length) {
    throw new FormatError(`difference: ${count} codes in ${8 * codes.length} bits`); // each has one or more
  }
  const positions = positionsIn(file, count, parameters.length);
  return { positions, values: applyMoves({ orders, codes }, valuesAt(parameters, positions)) };
}

function positionsIn(file: SafetensorsFile, count: number, size: number): Uint32Array {
  const { masks } = file.metadata;
  if (masks === undefined) {
    return decodePositions(tensorOf("difference", file, "positions", "U8", 1).bytes, count, size);
  }
  const positions = unionOfMasks(parseMaskNames(masks, count), size, count);
  if (positions.length === count) return positions;
  throw new FormatError(`difference: ${count} values for masks of ${positions.length}`);
}

function bytesTensor(name: string, bytes: Uint8Array): Tensor {
  return { name, dtype: "U8", shape: [bytes.length], bytes };
}
