/** A Hugging Face folder as another program wrote it: read, it computes what PyTorch does; broken, it is refused in one sentence. */
import { cp, mkdtemp, readFile, rm, truncate, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dispose, tensor } from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { disposeBatch } from "../../core/models/model.ts";
import { layoutOf, modelOf } from "../../core/models/registry.ts";
import { classLogits, tokenLogits } from "../../core/models/transformer.ts";
import type { TransformerArchitecture } from "../../core/protocol/schemas/transformer.ts";
import { uploadWeights } from "../../core/training/weights.ts";
import { openBackend } from "../../kernels/backend.ts";
import { hubNameOf, openBase } from "./base.ts";

const FOLDERS = fileURLToPath(new URL("../../tests/fixtures/hugging-face/", import.meta.url));
const LOGITS = new URL("../../tests/fixtures/transformer-logits.json", import.meta.url);
const TOKENS = [3, 17, 0, 8, 8, 12];
const READING = { onProgress: () => {}, signal: new AbortController().signal };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-base-"));
  await openBackend({ prefer: "cpu" });
});
afterAll(() => rm(folder, { recursive: true }));

async function loaded(path: string) {
  const base = await openBase(path);
  const layout = layoutOf(base.architecture);
  return { base, layout, parameters: await base.read(layout, [], READING) };
}

async function logitsOf(architecture: TransformerArchitecture, parameters: Float32Array) {
  const model = modelOf(architecture);
  const weights = uploadWeights(model, parameters);
  const pixels = Uint8Array.from({ length: 108 }, (_, p) => (37 * p) % 256);
  const image = { kind: "images", count: 1, pixels, labels: Uint8Array.of(0) } as const;
  const batch = architecture.input.kind === "image" ? model.batch(image, Uint32Array.of(0)) : null;
  const logits =
    batch === null
      ? tokenLogits(architecture, weights, tensor(TOKENS, [6], "int32"), { lastOnly: false })
      : classLogits(architecture, weights, batch);
  const values = Float32Array.from(await logits.data());
  if (batch !== null) disposeBatch(batch);
  dispose([logits, ...weights.values()]);
  return values;
}

test.each([
  "GPT-2",
  "Llama",
  "Llama, untied, scaled as Llama 3",
  "Qwen 2",
  "Qwen 2, scaled by YaRN",
  "Qwen 3",
  "ViT",
])(
  "the folder of %s is read as the model whose logits PyTorch computes, within 1e-4",
  async (name) => {
    const expected: number[] = JSON.parse(await readFile(LOGITS, "utf8"))[name];
    const { base, parameters } = await loaded(
      join(FOLDERS, name.toLowerCase().replaceAll(",", "").replaceAll(" ", "-")),
    );
    if (base.architecture.kind !== "transformer") throw new Error(base.architecture.kind);
    const values = await logitsOf(base.architecture, parameters);
    const worst = expected.reduce((most, e, i) => Math.max(most, Math.abs(values[i]! - e)), 0);
    expect(worst).toBeLessThan(1e-4);
  },
);

test("F16 and BF16 are read as the nearest numbers that they can say, and two files are one model", async () => {
  const { parameters: whole } = await loaded(join(FOLDERS, "gpt-2"));
  const { parameters: half } = await loaded(join(FOLDERS, "gpt-2-half"));
  expect(half).toEqual(Float32Array.from(whole, Math.f16round));
  const { base, layout, parameters } = await loaded(join(FOLDERS, "llama-bpe"));
  const bits = new Uint32Array(parameters.buffer);
  expect(bits.every((word) => (word & 0xffff) === 0)).toBe(true); // what BF16 has no room for
  for (const { name, offset, size } of layout.tensors) {
    const values = parameters.subarray(offset, offset + size);
    const mean = values.reduce((sum, value) => sum + value, 0) / size;
    expect(Math.abs(mean - (name.includes("norm") ? 1 : 0)), name).toBeLessThan(0.02);
  }
  expect(base.words).toMatchObject({ begin: 319, end: 319 });
});

type Change = (path: string) => Promise<unknown>;

/** A change to one JSON file of a folder. */
const changed =
  (file: string, fields: object): Change =>
  async (path) => {
    const value = JSON.parse(await readFile(join(path, file), "utf8"));
    await writeFile(join(path, file), JSON.stringify({ ...value, ...fields }));
  };

/** Other bytes for the first value of the first tensor. */
const firstValue =
  (...bytes: number[]): Change =>
  async (path) => {
    const file = join(path, "model.safetensors");
    const content = await readFile(file);
    content.set(bytes, 8 + Number(content.readBigUInt64LE()));
    await writeFile(file, content);
  };

/** The header of a folder's weights, with `from` in place of `to`, of equal length. */
const header =
  (from: string, to: string): Change =>
  async (path) => {
    const file = join(path, "model.safetensors");
    const content = await readFile(file, "latin1");
    await writeFile(file, content.replace(from, to), "latin1");
  };

test.each<[string, string, Change, RegExp]>([
  [
    "shapes that do not fit",
    "llama",
    changed("config.json", { vocab_size: 24 }),
    /"model\.embed_tokens\.weight" is \[23,18\], and the config asks for \[24,18\]\.$/,
  ],
  [
    "a layer too many",
    "llama",
    changed("config.json", { num_hidden_layers: 3 }),
    /no tensor "model\.layers\.2\.\S+", which its config asks for\.$/,
  ],
  [
    "a model that is not known",
    "llama",
    changed("config.json", { model_type: "mamba" }),
    /config\.json: model_type is "mamba": it must be "gpt2", "llama", "qwen2", "qwen3", "vit"\.$/,
  ],
  [
    "no kind of model at all",
    "llama",
    changed("config.json", { model_type: undefined }),
    /config\.json: model_type is missing: it must be/,
  ],
  [
    "a field of another type",
    "llama",
    changed("config.json", { hidden_size: "18" }),
    /config\.json: hidden_size is "18": it must be a number\.$/,
  ],
  [
    "an activation that is not known",
    "gpt-2",
    changed("config.json", { activation_function: "relu" }),
    /activation_function is "relu", and known here are gelu, /,
  ],
  [
    "a gate that is not known",
    "llama",
    changed("config.json", { hidden_act: "gelu" }),
    /hidden_act is "gelu", and known here are silu\.$/,
  ],
  [
    "positions that are not known",
    "llama",
    changed("config.json", { rope_scaling: { type: "longrope", factor: 2 } }),
    /positions of type "longrope", and known here are/,
  ],
  [
    "positions without their factor",
    "llama",
    changed("config.json", { rope_scaling: { rope_type: "linear" } }),
    /positions of type "linear" need factor\.$/,
  ],
  [
    "heads that do not divide",
    "gpt-2",
    changed("config.json", { n_head: 3 }),
    /headChannels is 3\.3+\d*: it must be/,
  ],
  [
    "layers without end",
    "llama",
    changed("config.json", { num_hidden_layers: 1e6 }),
    /layers is 1000000: it must be at most 256\.$/,
  ],
  [
    "a sliding window",
    "qwen-2",
    changed("config.json", { use_sliding_window: true }),
    /use_sliding_window is true: it must be false\.$/,
  ],
  [
    "a config that is no JSON",
    "llama",
    (path) => writeFile(join(path, "config.json"), "{"),
    /config\.json: not JSON in UTF-8\.$/,
  ],
  [
    "no config",
    "llama",
    (path) => unlink(join(path, "config.json")),
    /no config\.json, which says how the weights make a model\.$/,
  ],
  [
    "a token that ends texts and has no row",
    "llama",
    changed("config.json", { eos_token_id: 23 }),
    /eos_token_id is 23, and the embedding has 23 rows\.$/,
  ],
  [
    "NaN",
    "llama",
    firstValue(0, 0, 0xc0, 0x7f),
    /has the value NaN at 0, and a model must be finite\.$/,
  ],
  [
    "infinity",
    "gpt-2-half",
    firstValue(0, 0x7c),
    /has the value Infinity at 0, and a model must be finite\.$/,
  ],
  [
    "eight-bit floats",
    "gpt-2-half",
    header('"F16"', '"F8X"'),
    /is of dtype F8X, and F32, F16 and BF16 are read\.$/,
  ],
  [
    "an empty tensor",
    "gpt-2",
    header("[19,10]", "[ 0,10]"),
    /is \[0,10\], and the config asks for \[19,10\]\.$/,
  ],
  [
    "a file that was cut off",
    "llama",
    (path) => truncate(join(path, "model.safetensors"), 9000),
    /lies outside of the file's 9000 bytes; it was cut off\.$/,
  ],
  [
    "half a header",
    "llama",
    (path) => truncate(join(path, "model.safetensors"), 100),
    /model\.safetensors: 100 bytes end inside the header\.$/,
  ],
  [
    "a tokenizer of another model",
    "llama",
    (path) => cp(join(FOLDERS, "gpt-2", "config.json"), join(path, "tokenizer.json")),
    /tokenizer\.json: no tokenizer that can be read/,
  ],
  [
    "more tokens than rows",
    "llama",
    (path) => cp(join(FOLDERS, "tokenizer-qwen.json"), join(path, "tokenizer.json")),
    /tokenizer\.json: token 296, and the embedding has 23 rows\.$/,
  ],
  [
    "fewer tokens than rows",
    "llama-bpe",
    (path) => cp(join(FOLDERS, "llama", "tokenizer.json"), join(path, "tokenizer.json")),
    /tokenizer\.json: 23 tokens, and the embedding has 320 rows: they do not belong together\.$/,
  ],
  [
    "no tokenizer",
    "llama",
    (path) => unlink(join(path, "tokenizer.json")),
    /no tokenizer\.json is there, and a model of text needs it\.$/,
  ],
  [
    "an index that names a missing file",
    "llama-bpe",
    (path) => unlink(join(path, "model-00002-of-00002.safetensors")),
    /it names model-00002-of-00002\.safetensors, which is not there\.$/,
  ],
  [
    "an index that leads out of the folder",
    "llama-bpe",
    changed("model.safetensors.index.json", { weight_map: { x: "../x.safetensors" } }),
    /weight_map/,
  ],
  [
    "a pickle file",
    "llama",
    async (path) => {
      await unlink(join(path, "model.safetensors"));
      await writeFile(join(path, "pytorch_model.bin"), "x");
    },
    /pytorch_model\.bin: a pickle file runs code when it is opened, so it is not opened; save the model as model\.safetensors\.$/,
  ],
  [
    "no weights",
    "llama",
    (path) => unlink(join(path, "model.safetensors")),
    /neither model\.safetensors nor model\.safetensors\.index\.json is there\.$/,
  ],
  [
    "a folder that is not there",
    "llama",
    (path) => rm(path, { recursive: true }),
    /there is no such file or folder\.$/,
  ],
])("a base with %s is refused in one sentence", async (name, from, change, sentence) => {
  const path = join(folder, name);
  await cp(join(FOLDERS, from), path, { recursive: true });
  await change(path);
  const error = await loaded(path).catch((error: unknown) => error);
  expect(error).toMatchObject({ name: "InputProblem", message: expect.stringMatching(sentence) });
});

test.each([
  ["/hub/models--HuggingFaceTB--SmolLM2-135M/snapshots/93efa2f", {}, "HuggingFaceTB/SmolLM2-135M"],
  ["/models/mine", { _name_or_path: "openai-community/gpt2" }, "openai-community/gpt2"],
  ["/models/mine", { _name_or_path: "/tmp/checkpoint/12" }, null],
  ["/models/mine", {}, null],
] as const)("the hub's name of a base in %s with %o is %s", (folder, config, name) => {
  expect(hubNameOf(folder, config)).toBe(name);
});
