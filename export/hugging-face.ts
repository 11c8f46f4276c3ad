import { mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Recipe } from "../core/protocol/schemas/recipe.ts";
import { byteTokenizerFiles } from "./byte-tokenizer.ts";
import { type ExportedVersion, modelCardText } from "./model-card.ts";
import { type ExportDtype, fits, writeTensorFile } from "./tensor-file.ts";

/**
 * Write `version` into the new folder `path` as the Hugging Face hub has models: model.safetensors, config.json, tokenizer,
 * README.md with the hub's YAML. Returns the names of its files. Throws an Error, and then there is no folder.
 */
export async function writeHuggingFace(
  version: ExportedVersion,
  path: string,
  dtype: ExportDtype,
): Promise<string[]> {
  const { recipe, layout, parameters } = version;
  if (!fits(parameters, dtype)) {
    throw new Error(`A weight is beyond f16's largest number, 65504: export as f32 or bf16.`);
  }
  const draft = `${path}.unfinished-${process.pid}`;
  await mkdir(draft);
  try {
    const file = await open(join(draft, "model.safetensors"), "wx");
    try {
      await writeTensorFile(file, layout.tensors, parameters, { dtype, nameOf: nameOf(recipe) });
    } finally {
      await file.close();
    }
    const files: Record<string, unknown> = {
      ...configFiles(recipe, dtype),
      "README.md": modelCardText(version),
    };
    for (const [name, content] of Object.entries(files)) {
      const text = typeof content === "string" ? content : `${JSON.stringify(content, null, 2)}\n`;
      await writeFile(join(draft, name), text);
    }
    await rename(draft, path);
    return ["model.safetensors", ...Object.keys(files)];
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

/** GPT2LMHeadModel's tensors are those of its `transformer`; the output layer is tied and not written. */
function nameOf({ architecture }: Recipe): (name: string) => string {
  return (name) => (architecture.kind === "gpt" ? `transformer.${name}` : name);
}

function configFiles(recipe: Recipe, dtype: ExportDtype): Record<string, unknown> {
  const { architecture } = recipe;
  const torch_dtype = { f32: "float32", f16: "float16", bf16: "bfloat16" }[dtype];
  if (architecture.kind === "mlp") {
    const { inputs, classes } = recipe.data;
    return {
      "config.json": {
        model_type: "commonweight-mlp",
        ...architecture,
        torch_dtype,
        given: inputs,
        classes,
      },
    };
  }
  if (architecture.kind === "transformer") {
    throw new Error(
      `${recipe.id}: export writes models of kind "mlp" and "gpt", and this one is of kind "transformer".`,
    );
  }
  const { vocabulary, context, layers, channels, heads } = architecture;
  return {
    "config.json": {
      architectures: ["GPT2LMHeadModel"],
      model_type: "gpt2",
      activation_function: "gelu_new",
      vocab_size: vocabulary,
      n_positions: context,
      n_ctx: context,
      n_embd: channels,
      n_layer: layers,
      n_head: heads,
      n_inner: null,
      layer_norm_epsilon: 1e-5,
      initializer_range: 0.02,
      attn_pdrop: 0,
      embd_pdrop: 0,
      resid_pdrop: 0,
      scale_attn_weights: true,
      tie_word_embeddings: true,
      use_cache: true,
      bos_token_id: null, // no byte begins or ends a text
      eos_token_id: null,
      torch_dtype,
    },
    "generation_config.json": { do_sample: true, temperature: 0.8, max_length: context },
    ...(vocabulary === 256 ? byteTokenizerFiles(context) : {}),
  };
}
