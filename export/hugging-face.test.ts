import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { decodeSafetensors } from "../core/tensors/safetensors.ts";
import { exportedVersion } from "../tests/fixtures/exported-version.ts";
import { LOGIT_CASES } from "../tests/fixtures/logit-cases.ts";
import type { ExportFile } from "./export-file.ts";
import { huggingFaceFiles } from "./hugging-face.ts";
import { modelCardText } from "./model-card.ts";

const LIMITS = { maxHeaderBytes: 1 << 20, maxTensors: 100 };
const GPT2 = LOGIT_CASES["GPT-2"]!;
const LLAMA = LOGIT_CASES.Llama!;
const VIT = LOGIT_CASES.ViT!;

/** The files by name, whole; each has the size that it says. */
function wholeFiles(files: readonly ExportFile[]): Map<string, Buffer> {
  return new Map(
    files.map(({ name, sizeBytes, blocks }) => {
      const bytes = Buffer.concat([...blocks()]);
      expect(bytes).toHaveLength(sizeBytes);
      return [name, bytes];
    }),
  );
}

const jsonOf = (files: Map<string, Buffer>, name: string) => JSON.parse(String(files.get(name)));
const configOf = (architecture: typeof LLAMA) =>
  jsonOf(wholeFiles(huggingFaceFiles(exportedVersion(architecture), "f32")), "config.json");

test.each(Object.keys(LOGIT_CASES))(
  "%s leaves with exactly the tensors that its class of transformers' saves, value by value",
  async (name) => {
    const fixture = new URL("../tests/fixtures/transformers-state.json", import.meta.url);
    const state: Record<string, number[]> = JSON.parse(await readFile(fixture, "utf8"))[name];
    const version = exportedVersion(LOGIT_CASES[name]!);
    const files = wholeFiles(huggingFaceFiles(version, "f32"));
    const saved = decodeSafetensors("model", files.get("model.safetensors")!, LIMITS);
    expect(saved.metadata).toEqual({ format: "pt" });
    expect(
      Object.fromEntries([...saved.tensors].map(([each, { shape }]) => [each, shape])),
    ).toEqual(state);
    for (const { name: ours, offset, size } of version.layout.tensors) {
      const { bytes } = saved.tensors.get(ours) ?? saved.tensors.get(`transformer.${ours}`)!;
      const values = new Float32Array(Uint8Array.from(bytes).buffer);
      expect(values).toEqual(version.parameters.slice(offset, offset + size));
    }
  },
);

test("config.json names the class that has the model's parts, and their sizes", () => {
  expect(configOf(GPT2)).toMatchObject({
    architectures: ["GPT2LMHeadModel"],
    model_type: "gpt2",
    activation_function: "gelu_new",
    n_inner: 40,
    layer_norm_epsilon: 1e-5,
    torch_dtype: "float32",
  });
  expect(configOf(LLAMA)).toMatchObject({
    architectures: ["LlamaForCausalLM"],
    num_key_value_heads: 2,
    head_dim: 4,
    rope_theta: 10_000,
    rope_scaling: null,
    attention_bias: false,
    mlp_bias: false,
    bos_token_id: null, // else LlamaConfig takes 1 and 2
    eos_token_id: null,
  });
  expect(configOf(LOGIT_CASES["Llama, untied, scaled as Llama 3"]!)).toMatchObject({
    tie_word_embeddings: false,
    rope_scaling: { rope_type: "llama3", factor: 8, original_max_position_embeddings: 20 },
  });
  expect(configOf(LOGIT_CASES["Qwen 2, scaled by YaRN"]!)).toMatchObject({
    architectures: ["Qwen2ForCausalLM"],
    use_sliding_window: false,
    rope_scaling: { rope_type: "yarn", factor: 4, beta_fast: 32, beta_slow: 1 },
  });
  expect(configOf(LOGIT_CASES["Qwen 3"]!)).toMatchObject({
    architectures: ["Qwen3ForCausalLM"],
    attention_bias: false,
  });
});

test("a ViT leaves with its classes and with how an image becomes what it takes", () => {
  const classes = ["cat", "dog", "owl", "fox", "elk"];
  const files = wholeFiles(huggingFaceFiles(exportedVersion(VIT, { classes }), "bf16"));
  expect(jsonOf(files, "config.json")).toMatchObject({
    architectures: ["ViTForImageClassification"],
    image_size: 6,
    patch_size: 3,
    id2label: { 0: "cat", 4: "elk" },
    label2id: { fox: 3 },
    torch_dtype: "bfloat16",
  });
  expect(jsonOf(files, "preprocessor_config.json")).toMatchObject({
    image_processor_type: "ViTImageProcessor",
    size: { height: 6, width: 6 },
    image_mean: [0.5, 0.5, 0.5],
  });
  expect(files.has("generation_config.json")).toBe(false);
  expect(String(files.get("README.md"))).toMatch(/pipeline_tag: "image-classification"/);
});

test("an owner's tokenizer leaves as it came, with the tokens that begin and end a text", () => {
  const bytes = new TextEncoder().encode('{"version":"1.0"}');
  const tokenizer = { files: [{ name: "tokenizer.json" as const, bytes }], begin: 1, end: 2 };
  const files = wholeFiles(huggingFaceFiles(exportedVersion(LLAMA, { tokenizer }), "f16"));
  expect(String(files.get("tokenizer.json"))).toBe('{"version":"1.0"}');
  expect(jsonOf(files, "tokenizer_config.json")).toMatchObject({ model_max_length: 6 });
  expect(jsonOf(files, "config.json")).toMatchObject({ bos_token_id: 1, eos_token_id: 2 });
  expect(jsonOf(files, "generation_config.json")).toMatchObject({ eos_token_id: 2, max_length: 6 });
});

test("the model card has the hub's fields, the lineage, the gate's tests and how to verify", () => {
  const card = String(wholeFiles(huggingFaceFiles(exportedVersion(LLAMA), "f32")).get("README.md"));
  expect(card).toMatch(/^---\nlicense: "[^"]+"\n/);
  expect(card).toMatch(/library_name: "transformers"\npipeline_tag: "text-generation"/);
  expect(card).toMatch(/model-index: .*"type":"perplexity","value":3\.49/);
  expect(card).toContain(`| its parent | \`${"a".repeat(64)}\` |`);
  expect(card).toContain("| gate | parent, version 2 | 12 | −0.01000 | +0.1 | 3.50 ≥ 2.99 |");
  expect(card).toContain("npx commonweight verify https://example.org/known@3 --full");
});

test("the model card's bound of a protected suite is the recipe's where an older record has none", () => {
  const plain = exportedVersion(LLAMA);
  const { recipe, record } = plain;
  const { evaluation } = record;
  const test = { ...evaluation.gate!.tests![0]!, suite: "protected", marginNats: undefined };
  const gate = { ...evaluation.gate!, tests: [test, { ...test, against: "release" as const }] };
  const bounds = { marginNats: 0.02, releaseMarginNats: 0.03 };
  const card = modelCardText({
    ...plain,
    record: { ...record, evaluation: { ...evaluation, gate } },
    recipe: {
      ...recipe,
      gate: { ...recipe.gate, protected: { ...recipe.gate.protected!, ...bounds } },
    },
  });
  expect(card).toMatch(/\| protected \| parent, .* \| \+0\.02 \|/);
  expect(card).toMatch(/\| protected \| release, .* \| \+0\.03 \|/);
});

test("the model card names who chose a name, the data with their licences, and how sure the figures are", () => {
  const plain = exportedVersion(LLAMA); // version 3, of which 12 examples were looked at
  expect(modelCardText(plain)).toContain("Nobody is named here.");
  const data = { source: "more.csv", licence: "CC-BY-4.0", examples: 120, first: 6 };
  const laterData = [
    { ...data, since: 2 },
    { ...data, source: "late.csv", since: 3 },
  ];
  const card = modelCardText({ ...plain, names: ["Ada", "[x](y)"], laterData });
  expect(card).toContain("Named are those who chose a name: Ada, \\[x\\]\\(y\\).");
  expect(card).toContain("| data since version 2 | more.csv (CC-BY-4.0), 120 examples |");
  expect(card).not.toContain("late.csv"); // nobody had trained on them
  expect(card).toMatch(/right on them \| [\d.]+%, 95% interval [\d.]+% to [\d.]+% \|/);
  expect(card).toMatch(/"type":"accuracy".*"name":"accuracy, 95% interval /);
});

test("the model card says what the owner wants of contributors and users, if anything", () => {
  const plain = exportedVersion(LLAMA);
  expect(modelCardText(plain)).not.toContain("Intended use");
  const words = { welcome: "Suites of letters.", limits: "It knows no facts." };
  const card = modelCardText({ ...plain, recipe: { ...plain.recipe, ...words } });
  expect(card).toContain("\n\n## Limits\n\nIt knows no facts.\n\n");
  expect(card).toContain("\n\n## Contributions that are welcome\n\nSuites of letters.\n\n");
});

test("what transformers has no class for, and what f16 cannot hold, is refused in a sentence", () => {
  const odd = { ...LLAMA, attention: { ...LLAMA.attention, outputBias: true } };
  expect(() => huggingFaceFiles(exportedVersion(odd), "f32")).toThrow(
    /^No class of transformers is put together from this model's parts/,
  );
  const mean = { ...VIT, head: { kind: "classes", classes: 5, pooling: "mean" } as const };
  expect(() => huggingFaceFiles(exportedVersion(mean), "f32")).toThrow(/^No class of transformers/);
  const version = exportedVersion(LLAMA);
  version.parameters[7] = 70_000;
  expect(() => huggingFaceFiles(version, "f16")).toThrow(/65504: export as f32 or bf16/);
  expect(() => huggingFaceFiles(version, "bf16")).not.toThrow();
});

test("the card names the model that a community began with, for the hub where it is a name of the hub's", () => {
  const cardOf = (base: string) => {
    const version = exportedVersion(GPT2);
    const recipe = { ...version.recipe, base, intendedUse: "Tests.", limits: "It is small." };
    const files = wholeFiles(huggingFaceFiles({ ...version, recipe }, "f32"));
    return String(files.get("README.md"));
  };
  const card = cardOf("openai-community/gpt2");
  expect(card).toContain('\nbase_model: "openai-community/gpt2"\n');
  expect(card).toContain("\n| began with | openai-community/gpt2 |\n");
  expect(card).toContain("## Intended use\n\nTests.\n\n## Limits\n\nIt is small.\n");
  expect(cardOf("my-gpt2")).not.toContain("base_model");
});
