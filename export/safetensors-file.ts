import type { LayoutTensor } from "../core/tensors/layout.ts";
import type { ExportFile } from "./export-file.ts";
import { EXPORT_BYTES, type ExportDtype, encodedBlocks } from "./export-values.ts";

const HEADER_ALIGNMENT = 8;

/**
 * `parameters` [N] as the safetensors file that PyTorch's loaders take ("format": "pt"), each tensor under the name that
 * `nameOf` gives it.
 */
export function safetensorsFile(
  name: string,
  tensors: readonly LayoutTensor[],
  parameters: Float32Array,
  { dtype, nameOf }: { readonly dtype: ExportDtype; readonly nameOf: (name: string) => string },
): ExportFile {
  const entries: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const tensor of tensors) {
    const begin = end;
    end += tensor.size * EXPORT_BYTES[dtype];
    const { shape } = tensor;
    entries[nameOf(tensor.name)] = {
      dtype: dtype.toUpperCase(),
      shape,
      data_offsets: [begin, end],
    };
  }
  const text = new TextEncoder().encode(JSON.stringify(entries));
  const headerBytes = Math.ceil(text.length / HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
  const header = new Uint8Array(8 + headerBytes).fill(0x20, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(headerBytes), true);
  header.set(text, 8);
  return {
    name,
    sizeBytes: header.length + end,
    *blocks() {
      yield header;
      yield* encodedBlocks(parameters, dtype);
    },
  };
}
