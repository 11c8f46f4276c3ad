import { sha256 } from "../crypto/signature.ts";
import { assert, FormatError } from "../errors.ts";
import { encodeCanonical, parseJson } from "../protocol/canonical-json.ts";
import { MAX_PATCH_BYTES } from "../protocol/limits.ts";
import { type PatchHeader, patchHeader } from "../protocol/schemas/contribution.ts";
import type { Layout } from "../tensors/layout.ts";
import { decodeWords, encodeWords } from "../tensors/little-endian.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsFile,
  type Tensor,
  tensorOf,
} from "../tensors/safetensors.ts";
import { packCodes, unpackCodes } from "./code-bytes.ts";
import { decodePositions, encodePositions } from "./positions.ts";
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
const ONE_HALF_BITS = 0x3c00; // 1 in f16; every larger pattern is above 1, negative, infinite or NaN

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
  const codeBytes = packCodes(codes);
  const tensors: Tensor[] = [
    { name: "codes", dtype: "U8", shape: [codeBytes.length], bytes: codeBytes },
    { name: "scales", dtype: "F16", shape: [scales.length], bytes: encodeWords(scales) },
  ];
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

/** The header alone, before anyone has derived the mask: size, file and header are checked. */
export function decodePatchHeader(bytes: Uint8Array): PatchHeader {
  return openPatch(bytes).header;
}

/**
 * Decode a patch of a model with this `layout`; a FormatError unless it is canonical (protocol P2).
 * `maskPositions` [k] are those of the random or shared mask that the header names, null for an own one.
 */
export function decodePatch(
  bytes: Uint8Array,
  layout: Layout,
  maskPositions: Uint32Array | null,
): Patch {
  const { file, header } = openPatch(bytes);
  const { kind, count } = header.mask;
  const codes = tensorOf("patch", file, "codes", "U8", 1).bytes;
  const scales = tensorOf("patch", file, "scales", "F16", 1).bytes;
  if (codes.length !== Math.ceil(count / 2)) {
    throw new FormatError(`patch: ${codes.length} bytes of codes for ${count} values`);
  }
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
  const segments = segmentStarts(layout, positions);
  const quantised = decodeValues(codes, scales, blockStarts(segments, count), count);
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
  let squares = 0;
  for (const value of dequantise(patch, segments)) squares += value * value;
  return Math.sqrt(squares);
}

/**
 * SHA-256 of codes, scales and positions without header and Fisher weights (protocol P5): equal for
 * another's work that was signed anew, or given other weights.
 */
export function patchValuesId({ codes, scales, positions }: Patch): Promise<string> {
  const parts = [packCodes(codes), encodeWords(scales), new Uint8Array(positionBytes(positions))];
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return sha256(bytes);
}

function positionBytes(positions: Uint32Array | null): ArrayBufferLike {
  return new Uint32Array(positions ?? []).buffer;
}

function openPatch(bytes: Uint8Array): { file: SafetensorsFile; header: PatchHeader } {
  if (bytes.length > MAX_PATCH_BYTES) {
    throw new FormatError(`patch: ${bytes.length} bytes > ${MAX_PATCH_BYTES}`);
  }
  const file = decodeSafetensors("patch", bytes, LIMITS);
  const text = new TextEncoder().encode(file.metadata.header ?? "");
  const header = parseJson("patch header", patchHeader, text);
  const metadata = { header: new TextDecoder().decode(encodeCanonical(header)) };
  const canonical = encodeSafetensors({ tensors: file.tensors.values(), metadata });
  if (!equalBytes(canonical, bytes)) throw new FormatError("patch: not in canonical form");
  return { file, header };
}

/** Codes and scales [blocks] whose numbers agree with each other and with the mask. */
function decodeValues(
  codeBytes: Uint8Array,
  scaleBytes: Uint8Array,
  starts: Uint32Array,
  count: number,
): Quantised {
  if (scaleBytes.length !== 2 * starts.length) {
    throw new FormatError(`patch: ${scaleBytes.length / 2} scales for ${starts.length} blocks`);
  }
  const scales = decodeWords(scaleBytes);
  const codes = unpackCodes(codeBytes, count);
  for (let block = 0; block < scales.length; block++) {
    const bits = scales[block]!;
    if (bits > ONE_HALF_BITS) {
      throw new FormatError(`patch: scale ${block} is f16 0x${bits.toString(16)}, outside 0…1`);
    }
    const end = starts[block + 1] ?? count;
    let used = 0;
    for (let i = starts[block]!; i < end; i++) used |= codes[i]!;
    const isZero = used === 0;
    if (isZero !== (bits === 0)) {
      throw new FormatError(
        `patch: block ${block} ${isZero ? "has a scale but no codes" : "has codes but no scale"}`,
      );
    }
  }
  return { codes, scales };
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false; // a callback a byte would take longer than all decoding
  }
  return true;
}
