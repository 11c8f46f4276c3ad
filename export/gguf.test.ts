import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gguf } from "@huggingface/gguf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportedVersion } from "../tests/fixtures/exported-version.ts";
import { gpt2, llama, vit } from "../tests/fixtures/known-transformers.ts";
import { LOGIT_CASES } from "../tests/fixtures/logit-cases.ts";
import { writeExportFile } from "./export-folder.ts";
import type { ExportDtype } from "./export-values.ts";
import type { ExportedVersion } from "./exported-version.ts";
import { ggufFile } from "./gguf.ts";

const SIZES = { context: 8, layers: 1, channels: 8, heads: 2 };
const BYTES = { ...SIZES, vocabulary: 256 };
const GROUPED = { ...SIZES, vocabulary: 330, keyValueHeads: 1, headChannels: 4, wide: 6 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-gguf-"));
});
afterAll(() => rm(folder, { recursive: true }));

const tokenizerOf = async (path: string) => {
  const file = new URL(`../tests/fixtures/hugging-face/${path}`, import.meta.url);
  return {
    files: [{ name: "tokenizer.json" as const, bytes: Uint8Array.from(await readFile(file)) }],
  };
};

/** The file as Hugging Face's reader has it, and its bytes. */
async function written(version: ExportedVersion, dtype: ExportDtype) {
  const file = ggufFile(version, dtype);
  const path = join(folder, `${Math.abs(version.layout.size)}-${file.name}`);
  await rm(path, { force: true });
  await writeExportFile(file, path);
  const bytes = await readFile(path);
  expect(bytes).toHaveLength(file.sizeBytes);
  const read = await gguf(path, { allowLocalFile: true });
  const shapes = Object.fromEntries(
    read.tensorInfos.map(({ name, shape }) => [name, shape.map(Number).reverse()]),
  );
  const valuesOf = (name: string) => {
    const { offset, shape } = read.tensorInfos.find((tensor) => tensor.name === name)!;
    const start = Number(read.tensorDataOffset) + Number(offset);
    const size = shape.reduce((product, length) => product * Number(length), 1);
    return new Float32Array(Uint8Array.from(bytes.subarray(start, start + 4 * size)).buffer);
  };
  return { bytes, metadata: read.metadata as Record<string, unknown>, shapes, valuesOf, read };
}

function tensorIn({ layout, parameters }: ExportedVersion, wanted: string): Float32Array {
  const { offset, size } = layout.tensors.find(({ name }) => name === wanted)!;
  return parameters.slice(offset, offset + size);
}

test("a GPT-2 of bytes leaves under llama.cpp's names, its matrices turned over, its tokens the 256 bytes", async () => {
  const version = exportedVersion(gpt2(BYTES));
  const { metadata, shapes, valuesOf } = await written(version, "f32");
  expect(metadata).toMatchObject({
    "general.architecture": "gpt2",
    "general.file_type": 0,
    "gpt2.context_length": 8,
    "gpt2.embedding_length": 8,
    "gpt2.feed_forward_length": 32,
    "gpt2.attention.head_count": 2,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "gpt-2",
    "commonweight.version": "d".repeat(64),
  });
  expect(metadata["tokenizer.ggml.tokens"]).toHaveLength(256);
  expect(shapes).toMatchObject({
    "token_embd.weight": [256, 8],
    "position_embd.weight": [8, 8],
    "blk.0.attn_qkv.weight": [24, 8],
    "blk.0.attn_qkv.bias": [24],
    "blk.0.ffn_up.weight": [32, 8],
    "blk.0.ffn_down.weight": [8, 32],
    "output_norm.bias": [8],
  });
  expect(valuesOf("token_embd.weight")).toEqual(tensorIn(version, "wte.weight"));
  const ours = tensorIn(version, "h.0.attn.c_attn.weight"); // [8, 24]
  const theirs = valuesOf("blk.0.attn_qkv.weight"); // [24, 8]
  expect(theirs).toEqual(
    Float32Array.from(ours, (_, at) => ours[(at % 8) * 24 + Math.floor(at / 8)]!),
  );
});

test("Llama's queries and keys leave with a head's halves interleaved; values and Qwen's do not", async () => {
  const tokenizer = await tokenizerOf("llama-bpe/tokenizer.json");
  const version = exportedVersion(llama(GROUPED), { tokenizer });
  const { shapes, valuesOf } = await written(version, "f32");
  const keys = tensorIn(version, "model.layers.0.self_attn.k_proj.weight"); // [4, 8]
  const turned = [0, 2, 1, 3].flatMap((row) => [...keys.subarray(row * 8, row * 8 + 8)]);
  expect(valuesOf("blk.0.attn_k.weight")).toEqual(Float32Array.from(turned));
  expect(valuesOf("blk.0.attn_v.weight")).toEqual(
    tensorIn(version, "model.layers.0.self_attn.v_proj.weight"),
  );
  expect(shapes["blk.0.ffn_gate.weight"]).toEqual([6, 8]);
  expect(shapes["output.weight"]).toBeUndefined(); // tied
  const qwen = exportedVersion(llama(GROUPED, { inputBias: true, tied: false }), {
    tokenizer: await tokenizerOf("tokenizer-qwen.json"),
  });
  const other = await written(qwen, "f32");
  expect(other.metadata["general.architecture"]).toBe("qwen2");
  expect(other.metadata["tokenizer.ggml.pre"]).toBe("qwen2");
  expect(other.valuesOf("blk.0.attn_k.weight")).toEqual(
    tensorIn(qwen, "model.layers.0.self_attn.k_proj.weight"),
  );
  expect(other.valuesOf("output.weight")).toEqual(tensorIn(qwen, "lm_head.weight"));
});

test("scaled positions: Llama 3's are a tensor of factors, YaRN's are metadata", async () => {
  const tokenizer = await tokenizerOf("tokenizer-llama.json");
  const scaled = { ...LOGIT_CASES["Llama, untied, scaled as Llama 3"]! };
  const input = {
    ...scaled.input,
    kind: "tokens" as const,
    vocabulary: 336,
    context: 6,
    window: 6,
  };
  const factors = await written(exportedVersion({ ...scaled, input }, { tokenizer }), "f16");
  expect(factors.shapes["rope_freqs.weight"]).toEqual([2]);
  expect(factors.metadata["tokenizer.ggml.model"]).toBe("llama");
  expect(factors.metadata["tokenizer.ggml.scores"]).toHaveLength(336);
  const yarn = llama({ ...GROUPED, vocabulary: 336 });
  const positions = {
    kind: "rotary",
    base: 10_000,
    scaling: { kind: "yarn", factor: 4, originalContext: 40, betaFast: 32, betaSlow: 1 },
  } as const;
  const { metadata } = await written(exportedVersion({ ...yarn, positions }, { tokenizer }), "f16");
  expect(metadata).toMatchObject({
    "llama.rope.scaling.type": "yarn",
    "llama.rope.scaling.factor": 4,
    "llama.rope.scaling.original_context_length": 40,
    "llama.rope.scaling.attn_factor": 1, // llama.cpp scales by 1 + 0.1 · ln 4 itself
  });
});

test("f16 and bf16 hold matrices; vectors and positions stay f32, each tensor at a multiple of 32 bytes", async () => {
  for (const [dtype, type] of [
    ["f16", 1],
    ["bf16", 30],
  ] as const) {
    const { read } = await written(exportedVersion(gpt2(BYTES)), dtype);
    const types = Object.fromEntries(read.tensorInfos.map(({ name, dtype: each }) => [name, each]));
    expect(types["token_embd.weight"]).toBe(type);
    expect(types["position_embd.weight"]).toBe(0);
    expect(types["blk.0.attn_norm.weight"]).toBe(0);
    expect(read.tensorInfos.every(({ offset }) => Number(offset) % 32 === 0)).toBe(true);
    expect(Number(read.tensorDataOffset) % 32).toBe(0);
  }
});

test("golden bytes: the same version is the same file", async () => {
  const { layout } = exportedVersion(gpt2(BYTES));
  const parameters = Float32Array.from({ length: layout.size }, (_, i) => (i % 1000) / 256 - 2);
  const { bytes } = await written(exportedVersion(gpt2(BYTES), { parameters }), "f16");
  expect(String(bytes.subarray(0, 4))).toBe("GGUF");
  expect([bytes.readUInt32LE(4), bytes.readBigUInt64LE(8)]).toEqual([3, 16n]);
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(
    "2847ef70c572edd8175e275c60dac200f23fe087cfa32e5c09ea9d773c354049",
  );
});

test("what llama.cpp would compute or read otherwise is refused in a sentence", async () => {
  const refused = (version: ExportedVersion) => () => ggufFile(version, "f32");
  const exact = gpt2(BYTES);
  const gelu = { ...exact, feedForward: { ...exact.feedForward, kind: "gelu" as const } };
  expect(refused(exportedVersion(gelu))).toThrow(/^llama\.cpp runs no model/);
  const image = vit({ side: 6, patch: 3, layers: 1, channels: 8, heads: 2, classes: 3 });
  expect(refused(exportedVersion(image))).toThrow(/^llama\.cpp runs no model/);
  expect(refused(exportedVersion(gpt2({ ...BYTES, vocabulary: 300 })))).toThrow(
    /needs a tokenizer, and this model's tokens have none/,
  );
  const { files } = await tokenizerOf("llama-bpe/tokenizer.json");
  const json = JSON.parse(new TextDecoder().decode(files[0]!.bytes));
  const changed = (change: object) => {
    const bytes = new TextEncoder().encode(JSON.stringify({ ...json, ...change }));
    const tokenizer = { files: [{ name: "tokenizer.json" as const, bytes }] };
    return refused(exportedVersion(llama(GROUPED), { tokenizer }));
  };
  expect(changed({ normalizer: { type: "Lowercase" } })).toThrow(/it normalises by Lowercase/);
  expect(changed({ pre_tokenizer: { type: "Whitespace" } })).toThrow(
    /its text is not cut at bytes/,
  );
  expect(changed({ model: { ...json.model, type: "Unigram" } })).toThrow(/its model is Unigram/);
  expect(changed({ added_tokens: [{ id: 330, content: "x", special: true }] })).toThrow(
    /token 330 ≥ vocabulary 330/,
  );
});
