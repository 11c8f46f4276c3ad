import { type Download, downloadParts, downloadsOf } from "../../core/models/downloads.ts";
import type { ModelCard } from "../../core/protocol/schemas/status.ts";
import { formatBytes } from "./quantities.ts";

/** A file that a version can be had as; null names export.safetensors. */
export type OfferedFile = { readonly name: Download | null; readonly label: string };
export type OfferedGroup = { readonly title: string; readonly files: readonly OfferedFile[] };

const TITLES = {
  zip: "For transformers: the Hugging Face folder in a zip file",
  gguf: "For llama.cpp and Ollama: a GGUF file",
} as const;

/** What a visitor can take along, by the tool that reads it, with about how large it is: what is not weights is small. */
export function offeredDownloads({ recipe, parameters }: ModelCard): readonly OfferedGroup[] {
  const offered = downloadsOf(recipe);
  const groups = (["zip", "gguf"] as const).map((kind) => ({
    title: TITLES[kind],
    files: offered.flatMap((name) => {
      const { dtype, kind: each, bytesPerParameter } = downloadParts(name);
      const label = `${dtype}, ${formatBytes(parameters * bytesPerParameter)}`;
      return each === kind ? [{ name, label }] : [];
    }),
  }));
  const plain = { name: null, label: `f32, ${formatBytes(parameters * 4)}` };
  return [
    { title: "For any tool: the weights in a safetensors file", files: [plain] },
    ...groups.filter(({ files }) => files.length > 0),
  ];
}
