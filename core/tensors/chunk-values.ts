import { assert, FormatError } from "../errors.ts";
import type { NarrowManifest } from "../protocol/schemas/checkpoint.ts";
import { decodeHalf, encodeHalfExactly } from "./half.ts";
import { decodeFloats, decodeWords, encodeFloats, encodeWords } from "./little-endian.ts";

/** What a chunk's values are written as. */
export type ChunkDtype = NarrowManifest["chunks"][number]["dtype"];

export const CHUNK_VALUE_BYTES: Readonly<Record<ChunkDtype, number>> = { F32: 4, F16: 2, BF16: 2 };

const HALVES = 1 << 16;
let halves: Float32Array | null = null; // what each half stands for; made when the first chunk of halves comes

/** The dtype with the fewest bytes in which `values` [n], all finite, are exactly what they are (protocol T12). */
export function narrowestDtype(values: Float32Array): ChunkDtype {
  const bits = bitsOf(values);
  if (bits.every((word) => (word & 0xffff) === 0)) return "BF16"; // the upper half of f32
  return bits.every((word) => encodeHalfExactly(word) >= 0) ? "F16" : "F32";
}

/** `values` [n] as `dtype`, little-endian; they are exactly that. */
export function encodeChunkValues(
  dtype: ChunkDtype,
  values: Float32Array,
): Uint8Array<ArrayBuffer> {
  if (dtype === "F32") return encodeFloats(values);
  const bits = bitsOf(values);
  const words = new Uint16Array(bits.length);
  for (let i = 0; i < words.length; i++) {
    const word = dtype === "BF16" ? bits[i]! >>> 16 : encodeHalfExactly(bits[i]!);
    assert(word >= 0, "checkpoint: a value that is no half");
    words[i] = word;
  }
  return encodeWords(words);
}

/** The values [n] in `bytes`, whose length the caller has checked. Throws a FormatError that names `what` where one is not finite. */
export function decodeChunkValues(
  what: string,
  dtype: ChunkDtype,
  bytes: Uint8Array,
): Float32Array<ArrayBuffer> {
  if (dtype === "F32") return decodeFloats(what, bytes);
  const words = decodeWords(bytes);
  const values = dtype === "BF16" ? widenUpperHalves(words) : widenHalves(words);
  const broken = values.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) throw new FormatError(`${what}: value ${broken} is not finite`);
  return values;
}

function widenUpperHalves(words: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(words.length);
  const bits = bitsOf(values);
  for (let i = 0; i < words.length; i++) bits[i] = words[i]! << 16;
  return values;
}

function widenHalves(words: Uint16Array): Float32Array<ArrayBuffer> {
  halves ??= Float32Array.from({ length: HALVES }, (_, word) => decodeHalf(word));
  const values = new Float32Array(words.length);
  for (let i = 0; i < words.length; i++) values[i] = halves[words[i]!]!;
  return values;
}

function bitsOf({ buffer, byteOffset, length }: Float32Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}
