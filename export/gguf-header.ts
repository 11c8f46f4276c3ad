/** A value of a GGUF file's metadata. */
export type GgufValue =
  | string
  | boolean
  | { readonly u32: number }
  | { readonly f32: number }
  | { readonly strings: readonly string[] }
  | { readonly i32s: readonly number[] }
  | { readonly f32s: readonly number[] };

export type GgufTensor = {
  readonly name: string;
  /** Outermost dimension first, as everywhere here; the file has them the other way round. */
  readonly shape: readonly number[];
  readonly dtype: keyof typeof TENSOR_TYPES;
  readonly sizeBytes: number;
};

const VERSION = 3;
const ALIGNMENT = 32; // of every tensor's first byte
const TYPES = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;
const TENSOR_TYPES = { f32: 0, f16: 1, bf16: 30 } as const; // ggml's numbers

/**
 * All of a GGUF file before its first tensor. Each tensor's bytes follow, padded as `ggufPadding` says.
 * Format: ggml's docs/gguf.md, version 3, little-endian.
 */
export function encodeGgufHeader(
  metadata: readonly (readonly [key: string, value: GgufValue])[],
  tensors: readonly GgufTensor[],
): Uint8Array {
  const parts: Uint8Array[] = [
    new TextEncoder().encode("GGUF"),
    u32(VERSION),
    u64(tensors.length),
    u64(metadata.length),
  ];
  for (const [key, value] of metadata) parts.push(...text(key), ...encodeValue(value));
  let offset = 0;
  for (const { name, shape, dtype, sizeBytes } of tensors) {
    parts.push(...text(name), u32(shape.length), ...shape.toReversed().map(u64));
    parts.push(u32(TENSOR_TYPES[dtype]), u64(offset));
    offset += sizeBytes + ggufPadding(sizeBytes);
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const header = new Uint8Array(length + ggufPadding(length));
  let at = 0;
  for (const part of parts) {
    header.set(part, at);
    at += part.length;
  }
  return header;
}

/** Zeros after `sizeBytes` bytes, up to where a tensor may begin. */
export function ggufPadding(sizeBytes: number): number {
  return (ALIGNMENT - (sizeBytes % ALIGNMENT)) % ALIGNMENT;
}

function encodeValue(value: GgufValue): Uint8Array[] {
  if (typeof value === "string") return [u32(TYPES.string), ...text(value)];
  if (typeof value === "boolean") return [u32(TYPES.bool), Uint8Array.of(value ? 1 : 0)];
  if ("u32" in value) return [u32(TYPES.u32), u32(value.u32)];
  if ("f32" in value) return [u32(TYPES.f32), bytesOf(Float32Array.of(value.f32))];
  if ("strings" in value)
    return array(TYPES.string, value.strings.length, value.strings.flatMap(text));
  if ("i32s" in value)
    return array(TYPES.i32, value.i32s.length, [bytesOf(Int32Array.from(value.i32s))]);
  return array(TYPES.f32, value.f32s.length, [bytesOf(Float32Array.from(value.f32s))]);
}

function array(type: number, length: number, items: Uint8Array[]): Uint8Array[] {
  return [u32(TYPES.array), u32(type), u64(length), ...items];
}

function text(value: string): Uint8Array[] {
  const bytes = new TextEncoder().encode(value);
  return [u64(bytes.length), bytes];
}

const u32 = (value: number) => bytesOf(Uint32Array.of(value));
const u64 = (value: number) => bytesOf(BigUint64Array.of(BigInt(value)));

/** Little-endian, as every machine with Node is. */
function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
