import { encodeSafetensorsHead } from "../core/tensors/safetensors.ts";
import type { Metadata } from "../core/tensors/safetensors-header.ts";
import type { ExportFile } from "./export-file.ts";
import { encodedBlocks } from "./export-values.ts";
import type { ExportedVersion } from "./exported-version.ts";

/** `version` as export.safetensors: one canonical file of f32, under the names of the layout (protocol T6). */
export function checkpointExport({
  layout,
  parameters,
  record,
  id,
  recipe,
}: ExportedVersion): ExportFile {
  const metadata: Metadata = {
    model: record.model,
    version: id,
    number: String(record.number),
    licence: recipe.licence,
  };
  const tensors = layout.tensors.map(({ name, shape, offset, size }) => {
    const bytes = new Uint8Array(parameters.buffer, parameters.byteOffset + 4 * offset, 4 * size);
    return { name, dtype: "F32" as const, shape, bytes };
  });
  const head = encodeSafetensorsHead({ tensors, metadata });
  return {
    name: "export.safetensors",
    sizeBytes: head.length + 4 * layout.size,
    *blocks() {
      yield head;
      yield* encodedBlocks(parameters, "f32"); // the layout's order is the file's
    },
  };
}
