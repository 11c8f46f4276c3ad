import type { FileHandle } from "node:fs/promises";
import type { LayoutTensor } from "../core/tensors/layout.ts";

export const EXPORT_DTYPES = ["f32", "f16", "bf16"] as const;
export type ExportDtype = (typeof EXPORT_DTYPES)[number];

const BYTES = { f32: 4, f16: 2, bf16: 2 } as const;
const BLOCK_VALUES = 1 << 20; // written at once: a model never lies in memory twice
const HEADER_ALIGNMENT = 8;

/**
 * Write `parameters` [N] as the safetensors file that PyTorch's loaders take ("format": "pt"), each tensor under the name that
 * `nameOf` gives it. Rounded to nearest, ties to even; a value beyond f16's range becomes infinite there, so the caller has
 * looked first (`fits`).
 */
export async function writeTensorFile(
  file: FileHandle,
  tensors: readonly LayoutTensor[],
  parameters: Float32Array,
  { dtype, nameOf }: { readonly dtype: ExportDtype; readonly nameOf: (name: string) => string },
): Promise<void> {
  const entries: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const { name, shape, size } of tensors) {
    const begin = end;
    end += size * BYTES[dtype];
    entries[nameOf(name)] = { dtype: dtype.toUpperCase(), shape, data_offsets: [begin, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(entries));
  const headerBytes = Math.ceil(text.length / HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
  const header = new Uint8Array(8 + headerBytes).fill(0x20, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(headerBytes), true);
  header.set(text, 8);
  await file.writeFile(header);
  for (let from = 0; from < parameters.length; from += BLOCK_VALUES) {
    const block = encodeValues(parameters.subarray(from, from + BLOCK_VALUES), dtype);
    await file.writeFile(block);
  }
}

/** `values` [n] little-endian; every machine with Node is. */
function encodeValues(values: Float32Array, dtype: ExportDtype): Uint8Array {
  if (dtype === "f32") {
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  if (dtype === "f16") return new Uint8Array(Float16Array.from(values).buffer);
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  const words = Uint16Array.from(bits, (value) => (value + 0x7fff + ((value >>> 16) & 1)) >>> 16);
  return new Uint8Array(words.buffer);
}

const MAX_F16 = 65_504;

/** Whether all of `parameters` stay finite in `dtype`. */
export function fits(parameters: Float32Array, dtype: ExportDtype): boolean {
  return dtype !== "f16" || parameters.every((value) => Math.abs(value) <= MAX_F16);
}
