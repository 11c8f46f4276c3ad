import { assert, FormatError } from "../errors.ts";
import { encodeCanonical, parseJson } from "../protocol/canonical-json.ts";
import { MAX_PATCH_BYTES } from "../protocol/limits.ts";
import { type PatchHeader, patchHeader } from "../protocol/schemas/contribution.ts";
import type { Layout } from "../tensors/layout.ts";
import { encodeWords } from "../tensors/little-endian.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  encodeSafetensorsHead,
  type SafetensorsFile,
  tensorOf,
} from "../tensors/safetensors.ts";
import { packCodes } from "./code-bytes.ts";
import { decodePositions, encodePositions } from "./positions.ts";
import { decodeQuantised, encodeQuantised, quantisedBytesOf } from "./quantised-tensors.ts";
import { blockStarts, dequantise, type Quantised, segmentStarts } from "./quantiser.ts";

/** A delta as bytes hold it: quantised values, and positions when the mask is the contributor's own. */
export type Patch = Quantised & {
  readonly header: PatchHeader;
  /** Flat positions, strictly ascending [k]; null when the mask is random or shared. */
  readonly positions: Uint32Array | null;
  /** The contributor's Fisher weights of the values, a code each [k]; null where the patch has none. */
  readonly fisher: Uint8Array | null;
};

const LIMITS = { maxHeaderBytes: 8 << 10, maxTensors: 4 }; // 64 shards and long device names: 4 KB

/**
 * A patch as its canonical safetensors file (protocol P1). `layout` is the model's; `maskPositions` [k]
 * are those of the random or shared mask that the header names, null for an own one.
 */
export function encodePatch(
  patch: Patch,
  layout: Layout,
  maskPositions: Uint32Array | null,
): Uint8Array<ArrayBuffer> {
  const { header, codes, scales, positions, fisher } = patch;
  assert((positions !== null) === (header.mask.kind === "own"), "patch: positions of an own mask");
  const masked = positions ?? maskPositions;
  assert(masked?.length === header.mask.count, "patch: the positions of the mask");
  assert(codes.length === header.mask.count, "patch: a code per position of the mask");
  const blocks = blockStarts(segmentStarts(layout, masked), codes.length);
  assert(scales.length === blocks.length, "patch: a scale per block");
  assert(fisher === null || fisher.length === codes.length, "patch: a Fisher weight per code");
  const tensors = encodeQuantised(patch);
  if (positions !== null) {
    const bytes = encodePositions(positions, layout.size);
    tensors.push({ name: "positions", dtype: "U8", shape: [bytes.length], bytes });
  }
  if (fisher !== null) {
    tensors.push({ name: "fisher", dtype: "U8", shape: [fisher.length], bytes: fisher });
  }
  const metadata = { header: new TextDecoder().decode(encodeCanonical(header)) };
  return encodeSafetensors({ tensors, metadata });
}

/** A patch before anyone has derived its mask: size, file and header are checked, the values are not. */
export type OpenedPatch = { readonly file: SafetensorsFile; readonly header: PatchHeader };

/** The header alone. Throws a FormatError for a file or a header that is not canonical. */
export function decodePatchHeader(bytes: Uint8Array): PatchHeader {
  return openPatch(bytes).header;
}

/**
 * Decode a patch of a model with this `layout`. Throws a FormatError unless it is canonical (protocol P2).
 * `maskPositions` [k] are those of the random or shared mask that the header names, null for an own one.
 */
export function decodePatch(
  bytes: Uint8Array,
  layout: Layout,
  maskPositions: Uint32Array | null,
): Patch {
  return decodeOpened(openPatch(bytes), layout, maskPositions);
}

/** The rest of `decodePatch`, for a patch whose header was needed before. Throws a FormatError as that does. */
export function decodeOpened(
  { file, header }: OpenedPatch,
  layout: Layout,
  maskPositions: Uint32Array | null,
): Patch {
  const { kind, count } = header.mask;
  quantisedBytesOf("patch", file, count); // so that no positions are decoded for codes that are not there
  const fisher = file.tensors.has("fisher") ? decodeFisher(file, count) : null;
  if (file.tensors.size !== 2 + (kind === "own" ? 1 : 0) + (fisher === null ? 0 : 1)) {
    throw new FormatError(`patch: ${file.tensors.size} tensors under a mask of kind ${kind}`);
  }
  if ((maskPositions === null) !== (kind === "own")) {
    throw new FormatError(`patch: a mask of kind ${kind}`);
  }
  const positions =
    maskPositions ??
    decodePositions(tensorOf("patch", file, "positions", "U8", 1).bytes, count, layout.size);
  if (positions.length !== count) {
    throw new FormatError(`patch: ${count} values for a mask of ${positions.length}`);
  }
  const starts = blockStarts(segmentStarts(layout, positions), count);
  const quantised = decodeQuantised("patch", file, starts, count);
  return { header, ...quantised, positions: kind === "own" ? positions : null, fisher };
}

/** A copy of the Fisher weights, so that nobody else can change them. */
function decodeFisher(file: SafetensorsFile, count: number): Uint8Array {
  const { bytes } = tensorOf("patch", file, "fisher", "U8", 1);
  if (bytes.length !== count) {
    throw new FormatError(`patch: ${bytes.length} Fisher weights for ${count} values`);
  }
  return bytes.slice();
}

/** The values that `patch` adds to its mask [k], in f32. */
export function dequantisePatch(patch: Patch, segments: Uint32Array): Float32Array {
  return dequantise(patch, segments);
}

/** The Euclidean norm of the values, summed in their order. */
export function patchNorm(patch: Patch, segments: Uint32Array): number {
  const values = dequantise(patch, segments);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += values[i]! * values[i]!; // an iterator takes ten times as long
  return Math.sqrt(squares);
}

/**
 * What SHA-256 makes the values' id of (protocol P5): codes, scales and positions without header and Fisher weights, so that
 * it is equal for another's work that was signed anew, or given other weights.
 */
export function patchValuesBytes({ codes, scales, positions }: Patch): Uint8Array<ArrayBuffer> {
  const parts = [packCodes(codes), encodeWords(scales), new Uint8Array(positionBytes(positions))];
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function positionBytes(positions: Uint32Array | null): ArrayBufferLike {
  return new Uint32Array(positions ?? []).buffer;
}

/** Throws a FormatError for a file or a header that is not canonical. The file's tensors are views of `bytes`. */
export function openPatch(bytes: Uint8Array): OpenedPatch {
  if (bytes.length > MAX_PATCH_BYTES) {
    throw new FormatError(`patch: ${bytes.length} bytes > ${MAX_PATCH_BYTES}`);
  }
  const file = decodeSafetensors("patch", bytes, LIMITS);
  const text = new TextEncoder().encode(file.metadata.header ?? "");
  const header = parseJson("patch header", patchHeader, text);
  const metadata = { header: new TextDecoder().decode(encodeCanonical(header)) };
  // data lie without holes where the header says: with a canonical header they are the canonical file's
  const canonical = encodeSafetensorsHead({ tensors: file.tensors.values(), metadata });
  if (!startsWith(bytes, canonical)) throw new FormatError("patch: not in canonical form");
  return { file, header };
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  for (let i = 0; i < start.length; i++) if (bytes[i] !== start[i]) return false; // `every` takes ten times as long
  return true;
}
