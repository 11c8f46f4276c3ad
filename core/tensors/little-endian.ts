import { assert, FormatError } from "../errors.ts";

// Typed arrays have the machine's byte order; every machine with WebGPU or Node is little-endian.
assert(new Uint8Array(Uint16Array.of(1).buffer)[0] === 1, "a big-endian machine");

/** `values` [n] as 4·n bytes, f32 little-endian. */
export function encodeFloats(values: Float32Array): Uint8Array<ArrayBuffer> {
  return copyBytes(values);
}

/** The finite f32 values in `bytes`; `what` names them in the FormatError. */
export function decodeFloats(what: string, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  if (bytes.length % 4 !== 0) throw new FormatError(`${what}: ${bytes.length} bytes are not f32`);
  const values = new Float32Array(copyBytes(bytes).buffer);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) throw new FormatError(`${what}: value ${i} is not finite`);
  }
  return values;
}

/** `words` [n] as 2·n bytes, little-endian. */
export function encodeWords(words: Uint16Array): Uint8Array<ArrayBuffer> {
  return copyBytes(words);
}

/** The 16-bit words in `bytes`; the caller has checked that the length is even. */
export function decodeWords(bytes: Uint8Array): Uint16Array<ArrayBuffer> {
  return new Uint16Array(copyBytes(bytes).buffer);
}

/** Whole numbers of one, two or four bytes each. */
export type Integers = Uint8Array | Uint16Array | Uint32Array;

/** `values` [n], little-endian. */
export function encodeIntegers(values: Integers): Uint8Array<ArrayBuffer> {
  return copyBytes(values);
}

/** The numbers in `bytes`, as wide as `dtype` says; the caller has checked that the length is a multiple. */
export function decodeIntegers(dtype: "U8" | "U16" | "U32", bytes: Uint8Array): Integers {
  if (dtype === "U8") return bytes;
  return dtype === "U16" ? decodeWords(bytes) : new Uint32Array(copyBytes(bytes).buffer);
}

/** A copy, so that a typed array at any byte offset can be read and nobody else can change it. */
function copyBytes(values: ArrayBufferView): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.byteLength);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return bytes;
}
