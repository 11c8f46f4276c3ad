import { FormatError } from "../errors.ts";
import { decodeWords, encodeWords } from "../tensors/little-endian.ts";
import { type SafetensorsFile, type Tensor, tensorOf } from "../tensors/safetensors.ts";
import { packCodes, unpackCodes } from "./code-bytes.ts";
import type { Quantised } from "./quantiser.ts";

const ONE_HALF_BITS = 0x3c00; // 1 in f16; every larger pattern is above 1, negative, infinite or NaN

/** The tensors `codes` (U8, two a byte) and `scales` (F16 [blocks]) of a file that holds quantised values. */
export function encodeQuantised({ codes, scales }: Quantised): Tensor[] {
  const codeBytes = packCodes(codes);
  return [
    { name: "codes", dtype: "U8", shape: [codeBytes.length], bytes: codeBytes },
    { name: "scales", dtype: "F16", shape: [scales.length], bytes: encodeWords(scales) },
  ];
}

/** The bytes of a file's codes, as many as `count` values need, and of its scales: nothing is allocated for them yet. */
export function quantisedBytesOf(what: string, file: SafetensorsFile, count: number) {
  const { bytes: codes } = tensorOf(what, file, "codes", "U8", 1);
  const { bytes: scales } = tensorOf(what, file, "scales", "F16", 1);
  if (codes.length !== Math.ceil(count / 2)) {
    throw new FormatError(`${what}: ${codes.length} bytes of codes for ${count} values`);
  }
  return { codes, scales };
}

/** Codes [count] and scales [blocks] that agree with each other and with where the blocks start (protocol Q2). */
export function decodeQuantised(
  what: string,
  file: SafetensorsFile,
  starts: Uint32Array,
  count: number,
): Quantised {
  const bytes = quantisedBytesOf(what, file, count);
  if (bytes.scales.length !== 2 * starts.length) {
    throw new FormatError(`${what}: ${bytes.scales.length / 2} scales for ${starts.length} blocks`);
  }
  const scales = decodeWords(bytes.scales);
  const codes = unpackCodes(bytes.codes, count);
  for (let block = 0; block < scales.length; block++) {
    const bits = scales[block]!;
    if (bits > ONE_HALF_BITS) {
      throw new FormatError(`${what}: scale ${block} is f16 0x${bits.toString(16)}, outside 0…1`);
    }
    const end = starts[block + 1] ?? count;
    let used = 0;
    for (let i = starts[block]!; i < end; i++) used |= codes[i]!;
    const isZero = used === 0;
    if (isZero !== (bits === 0)) {
      throw new FormatError(
        `${what}: block ${block} ${isZero ? "has a scale but no codes" : "has codes but no scale"}`,
      );
    }
  }
  return { codes, scales };
}
