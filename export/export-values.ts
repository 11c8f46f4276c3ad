import { ExportRefused } from "./export-file.ts";
export const EXPORT_DTYPES = ["f32", "f16", "bf16"] as const;
export type ExportDtype = (typeof EXPORT_DTYPES)[number];

export const EXPORT_BYTES: Readonly<Record<ExportDtype, number>> = { f32: 4, f16: 2, bf16: 2 };

const BLOCK_VALUES = 1 << 20; // made at once: a model never lies in memory twice
const MAX_F16 = 65_504;

/** `values` [n], little-endian as every machine with Node is, in blocks; rounded to nearest, ties to even. */
export function* encodedBlocks(values: Float32Array, dtype: ExportDtype): Iterable<Uint8Array> {
  for (let from = 0; from < values.length; from += BLOCK_VALUES) {
    yield encodeBlock(values.subarray(from, from + BLOCK_VALUES), dtype);
  }
}

function encodeBlock(values: Float32Array, dtype: ExportDtype): Uint8Array {
  if (dtype === "f32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (dtype === "f16") return new Uint8Array(new Float16Array(values).buffer);
  const bits = new Uint32Array(new Float32Array(values).buffer);
  const words = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    words[i] = (bits[i]! + 0x7fff + ((bits[i]! >>> 16) & 1)) >>> 16;
  }
  return new Uint8Array(words.buffer);
}

/** Throws an ExportRefused where a value of `parameters` would become infinite in `dtype`. */
export function checkRange(parameters: Float32Array, dtype: ExportDtype): void {
  if (dtype !== "f16" || parameters.every((value) => Math.abs(value) <= MAX_F16)) return;
  throw new ExportRefused("A weight is beyond f16's largest number, 65504: export as f32 or bf16.");
}
