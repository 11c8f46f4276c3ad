import { gptAsTransformer } from "../core/models/gpt.ts";
import type { Recipe } from "../core/protocol/schemas/recipe.ts";
import type { TransformerArchitecture } from "../core/protocol/schemas/transformer.ts";
import { byteTokenizerFiles } from "./byte-tokenizer.ts";
import { type ExportFile, fileOf, textFile } from "./export-file.ts";
import { checkRange, type ExportDtype } from "./export-values.ts";
import type { ExportedVersion } from "./exported-version.ts";
import { modelCardText } from "./model-card.ts";
import { safetensorsFile } from "./safetensors-file.ts";
import { imageProcessor, transformersConfig } from "./transformers-config.ts";

const WRITTEN_LENGTH = 256; // tokens that `generate` writes at most, unless it is asked for others

/**
 * `version` as the Hugging Face hub has models: model.safetensors, config.json, tokenizer, README.md with the hub's YAML.
 * Throws an ExportRefused where transformers has no class for it, or a weight is too large for `dtype`.
 */
export function huggingFaceFiles(version: ExportedVersion, dtype: ExportDtype): ExportFile[] {
  const configs = configFiles(version, dtype);
  checkRange(version.parameters, dtype);
  return [weightsFile(version, dtype), ...configs, textFile("README.md", modelCardText(version))];
}

/** The folder's model.safetensors. */
export function weightsFile(
  { recipe, layout, parameters }: Pick<ExportedVersion, "recipe" | "layout" | "parameters">,
  dtype: ExportDtype,
): ExportFile {
  const options = { dtype, nameOf: nameOf(recipe) };
  return safetensorsFile("model.safetensors", layout.tensors, parameters, options);
}

/** GPT2LMHeadModel's tensors are those of its `transformer`, but for the head; a tied one is not written. */
function nameOf({ architecture }: Recipe): (name: string) => string {
  const isGpt2 =
    architecture.kind === "gpt" ||
    (architecture.kind === "transformer" && architecture.layout === "gpt2");
  return (name) => (isGpt2 && !name.startsWith("lm_head.") ? `transformer.${name}` : name);
}

function configFiles(version: ExportedVersion, dtype: ExportDtype): ExportFile[] {
  const { architecture, data } = version.recipe;
  const torch_dtype = { f32: "float32", f16: "float16", bf16: "bfloat16" }[dtype];
  if (architecture.kind === "mlp") {
    const { inputs: given, classes } = data;
    const config = { model_type: "commonweight-mlp", ...architecture, torch_dtype, given, classes };
    return [textFile("config.json", config)];
  }
  const transformer = architecture.kind === "gpt" ? gptAsTransformer(architecture) : architecture;
  const { begin = null, end = null } = data.tokenizer ?? {};
  const bounds = { begin, end };
  const config = transformersConfig(transformer, data.classes ?? [], bounds);
  const first = textFile("config.json", { ...config, torch_dtype });
  if (transformer.input.kind === "image") {
    return [first, textFile("preprocessor_config.json", imageProcessor(transformer))];
  }
  const generation = {
    do_sample: true,
    temperature: 0.8,
    max_length: Math.min(transformer.input.context, WRITTEN_LENGTH),
    bos_token_id: begin,
    eos_token_id: end,
  };
  return [
    first,
    textFile("generation_config.json", generation),
    ...textFiles(version, transformer),
  ];
}

const TOKENIZER_CONFIG = "tokenizer_config.json";

/** The files that the model's owner gave; of a model of bytes, made here. A model of other tokens has none. */
function textFiles(
  { tokenizerFiles: given }: ExportedVersion,
  { input }: TransformerArchitecture,
): ExportFile[] {
  if (input.kind !== "tokens") return [];
  if (given.length === 0) {
    if (input.vocabulary !== 256) return [];
    return Object.entries(byteTokenizerFiles(input.context)).map(([name, content]) =>
      textFile(name, content),
    );
  }
  const files = given.map(({ name, bytes }) => fileOf(name, bytes));
  if (files.some(({ name }) => name === TOKENIZER_CONFIG)) return files;
  const config = {
    tokenizer_class: "PreTrainedTokenizerFast",
    model_max_length: input.context,
    clean_up_tokenization_spaces: false,
  };
  return [...files, textFile(TOKENIZER_CONFIG, config)];
}
