import type { Recipe } from "../protocol/schemas/recipe.ts";
import { gptAsTransformer } from "./gpt.ts";
import { familyOf, llamaCppFamily } from "./transformer-family.ts";

/** What a relay offers a version as, beside export.safetensors: the Hugging Face folder in a zip file, and a GGUF file. */
export const DOWNLOADS = [
  "f32.zip",
  "f16.zip",
  "bf16.zip",
  "f32.gguf",
  "f16.gguf",
  "bf16.gguf",
] as const;
export type Download = (typeof DOWNLOADS)[number];

const BYTES = { f32: 4, f16: 2, bf16: 2 } as const;

/** The type of a download's weights, and what it is a file of. */
export function downloadParts(download: Download) {
  const [dtype, kind] = download.split(".") as [keyof typeof BYTES, "zip" | "gguf"]; // as the list has them
  return { dtype, kind, bytesPerParameter: BYTES[dtype] };
}

/** What a model of `recipe` can be had as. */
export function downloadsOf({ architecture, data }: Recipe): readonly Download[] {
  if (architecture.kind === "mlp") return ofKinds(["zip"]);
  const transformer = architecture.kind === "gpt" ? gptAsTransformer(architecture) : architecture;
  const { input } = transformer;
  const hasTokens =
    data.tokenizer !== undefined || (input.kind === "tokens" && input.vocabulary === 256);
  const kinds: string[] = [];
  if (familyOf(transformer) !== null) kinds.push("zip");
  if (hasTokens && llamaCppFamily(transformer) !== null) kinds.push("gguf");
  return ofKinds(kinds);
}

const ofKinds = (kinds: readonly string[]) =>
  DOWNLOADS.filter((download) => kinds.includes(downloadParts(download).kind));
