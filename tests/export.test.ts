/** A version leaves for other tools: the folder that `commonweight export` writes, read by what they read it with. */
import { access, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gguf } from "@huggingface/gguf";
import { Tokenizer } from "@huggingface/tokenizers";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { routes } from "../core/protocol/routes.ts";
import { decodeSafetensors } from "../core/tensors/safetensors.ts";
import { runCommand } from "./fixtures/command.ts";
import { startTestRelay, type TestRelay } from "./fixtures/test-relay.ts";
import { tinyModel } from "./fixtures/tiny-model.ts";
import { tinyTextModel } from "./fixtures/tiny-text-model.ts";
import { LETTERS, tokenizedTextModel } from "./fixtures/tokenized-model.ts";

const LIMITS = { maxHeaderBytes: 1 << 20, maxTensors: 100 };
const relays: TestRelay[] = [];
let folder: string;
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // relays with their threads start first
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-export-"));
  relays.push(await startTestRelay({ source: tinyTextModel() }));
  relays.push(await startTestRelay({ source: tinyModel() }));
  relays.push(await startTestRelay({ source: await tokenizedTextModel() }));
});
afterAll(async () => {
  for (const relay of relays) await relay.remove();
  await rm(folder, { recursive: true });
});

async function exported(relay: TestRelay, name: string, ...more: string[]) {
  const to = join(folder, name);
  const { id } = (await relay.client.models())[0]!.recipe;
  const pins = join(folder, "pins.json");
  const said = await runCommand(
    "export",
    `${relay.relay.url}/${id}`,
    "--to",
    to,
    "--pins",
    pins,
    ...more,
  );
  return { to, said, id };
}

const json = async (path: string) => JSON.parse(await readFile(path, "utf8"));

test("a GPT leaves as transformers saves GPT2LMHeadModel: names, config, tokenizer and card", async () => {
  const { to, said, id } = await exported(relays[0]!, "text");
  expect(said.errors).toEqual([]);
  expect((await readdir(to)).sort()).toEqual([
    "README.md",
    "config.json",
    "generation_config.json",
    "model.safetensors",
  ]);
  const { architecture } = (await relays[0]!.client.model(id)).recipe;
  if (architecture.kind !== "gpt") throw new Error(architecture.kind);
  expect(await json(join(to, "config.json"))).toMatchObject({
    architectures: ["GPT2LMHeadModel"],
    model_type: "gpt2",
    activation_function: "gelu_new",
    vocab_size: architecture.vocabulary,
    n_positions: architecture.context,
    n_embd: architecture.channels,
    tie_word_embeddings: true,
    torch_dtype: "float32",
  });
  const file = decodeSafetensors("model", await readFile(join(to, "model.safetensors")), LIMITS);
  expect(file.metadata).toEqual({ format: "pt" });
  const names = [...file.tensors.keys()];
  expect(names).toContain("transformer.h.0.attn.c_attn.weight");
  expect(names).toContain("transformer.wte.weight");
  expect(names.filter((name) => !name.startsWith("transformer."))).toEqual([]); // the tied head is not written
  const plain = await relays[0]!.ask(routes.exported(id, "0"));
  const ours = decodeSafetensors("ours", new Uint8Array(await plain.arrayBuffer()), LIMITS);
  expect(ours.tensors.size).toBe(file.tensors.size);
  for (const [name, { bytes, shape }] of ours.tensors) {
    const { bytes: written, shape: writtenShape } = file.tensors.get(`transformer.${name}`)!;
    expect(writtenShape).toEqual(shape);
    expect(Buffer.compare(written, bytes)).toBe(0);
  }
  const card = await readFile(join(to, "README.md"), "utf8");
  expect(card).toMatch(/^---\nlicense: "[^"]+"\n/);
  expect(card).toMatch(/library_name: "transformers"\npipeline_tag: "text-generation"/);
  expect(card).toMatch(new RegExp(`npx commonweight verify http://localhost:\\d+/${id}@0 --full`));
});

test("half the bytes: f16 and bf16 are the values rounded to nearest", async () => {
  const relay = relays[0]!;
  const { to } = await exported(relay, "again");
  const wanted = decodeSafetensors("f32", await readFile(join(to, "model.safetensors")), LIMITS);
  const f16 = await exported(relay, "f16", "--dtype", "f16");
  const halves = decodeSafetensors(
    "f16",
    await readFile(join(f16.to, "model.safetensors")),
    LIMITS,
  );
  expect((await json(join(f16.to, "config.json"))).torch_dtype).toBe("float16");
  const bf16 = await exported(relay, "bf16", "--dtype", "bf16");
  const brain = await readFile(join(bf16.to, "model.safetensors"));
  const header = JSON.parse(brain.subarray(8, 8 + Number(brain.readBigUInt64LE())).toString());
  for (const [name, { bytes }] of wanted.tensors) {
    const values = new Float32Array(Uint8Array.from(bytes).buffer);
    const half = new Float16Array(Uint8Array.from(halves.tensors.get(name)!.bytes).buffer);
    const [begin] = header[name].data_offsets;
    expect(header[name].dtype).toBe("BF16");
    const start = 8 + Number(brain.readBigUInt64LE()) + begin;
    values.forEach((value, i) => {
      expect(Math.abs(half[i]! - value)).toBeLessThanOrEqual(2 ** -11 * Math.abs(value) + 2 ** -25);
      const word = brain.readUInt16LE(start + 2 * i);
      const back = new Float32Array(Uint32Array.of(word << 16).buffer)[0]!;
      expect(Math.abs(back - value)).toBeLessThanOrEqual(2 ** -8 * Math.abs(value));
    });
  }
});

test("a byte-level model's tokenizer gives each byte its own number, in Hugging Face's code", async () => {
  const { byteTokenizerFiles } = await import("../export/byte-tokenizer.ts");
  const files = byteTokenizerFiles(128);
  const tokenizer = new Tokenizer(
    files["tokenizer.json"] as object,
    files["tokenizer_config.json"] as object,
  );
  for (const text of ["To the Congress,\n\n 1862!", "Grüße, 世界 🦉\t\u0000\u007f\u00ad"]) {
    const { ids } = tokenizer.encode(text);
    expect([...ids].map(Number)).toEqual([...new TextEncoder().encode(text)]);
    expect(tokenizer.decode(ids, { skip_special_tokens: false })).toBe(text);
  }
});

test("T11: an owner's tokenizer leaves as it came", async () => {
  const { to, said } = await exported(relays[2]!, "tokens");
  expect(said.errors).toEqual([]);
  expect(await readFile(join(to, "tokenizer.json"))).toEqual(await readFile(LETTERS));
  expect((await json(join(to, "tokenizer_config.json"))).tokenizer_class).toBe(
    "PreTrainedTokenizerFast",
  );
});

test("a text model with a tokenizer leaves as one GGUF file too", async () => {
  const { to, said, id } = await exported(relays[2]!, "gguf", "--format", "gguf", "--dtype", "f16");
  expect(said.errors).toEqual([]);
  expect(await readdir(to)).toEqual(["README.md", `${id}-0-f16.gguf`]);
  const { metadata, tensorInfos } = await gguf(join(to, `${id}-0-f16.gguf`), {
    allowLocalFile: true,
  });
  expect(metadata).toMatchObject({ "general.architecture": "gpt2", "gpt2.block_count": 1 });
  expect(tensorInfos.map(({ name }) => name)).toContain("blk.0.attn_qkv.weight");
  const bare = await exported(relays[0]!, "bare", "--format", "gguf");
  expect(bare.said).toMatchObject({ code: 1 });
  expect(bare.said.errors[0]).toMatch(/^llama\.cpp needs a tokenizer/);
  await expect(access(bare.to)).rejects.toThrow();
});

test("a classifier leaves with what PyTorch needs to run it", async () => {
  const { to, said } = await exported(relays[1]!, "classes");
  expect(said.errors).toEqual([]);
  const file = decodeSafetensors("model", await readFile(join(to, "model.safetensors")), LIMITS);
  expect([...file.tensors.keys()]).toContain("layers.0.weight");
  expect(await json(join(to, "config.json"))).toMatchObject({
    model_type: "commonweight-mlp",
    kind: "mlp",
  });
  expect(await readFile(join(to, "README.md"), "utf8")).toMatch(/torch\.nn\.functional\.linear/);
});

test("an export that cannot be is one sentence, exit code 1, and no folder", async () => {
  const { to, said } = await exported(relays[0]!, "text");
  expect(said).toMatchObject({ code: 1, errors: [`${to}: there already; name a new folder.`] });
  const { url } = relays[0]!.relay;
  const absent = join(folder, "absent");
  const wrong = await runCommand("export", `${url}/nobody`, "--to", absent);
  expect([wrong.code, wrong.errors.length]).toEqual([1, 1]);
  const type = await runCommand("export", `${url}/nobody`, "--to", absent, "--dtype", "int4");
  expect(type.errors[0]).toMatch(/Allowed choices are f32, f16, bf16/);
  await expect(access(absent)).rejects.toThrow();
});
