import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { DOWNLOADS, downloadsOf } from "../../core/models/downloads.ts";
import { routes } from "../../core/protocol/routes.ts";
import { decodeSafetensors } from "../../core/tensors/safetensors.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel } from "../fixtures/tiny-model.ts";
import { tokenizedTextModel } from "../fixtures/tokenized-model.ts";
import { unzip } from "../fixtures/unzip.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // relays start with their threads
const LIMITS = { maxHeaderBytes: 1 << 20, maxTensors: 100 };
const relays: TestRelay[] = [];
beforeAll(async () => {
  relays.push(await startTestRelay({ source: await tokenizedTextModel() }));
  relays.push(await startTestRelay({ source: tinyModel() }));
});
afterAll(async () => {
  for (const relay of relays) await relay.remove();
});

const text = (name: string, init?: RequestInit) =>
  relays[0]!.ask(routes.download("tiny-text", "0", name), init);
const bytesOf = async (response: Promise<Response>) =>
  Buffer.from(await (await response).arrayBuffer());

test("H40: a version is served as the folder that transformers loads, in one zip file", async () => {
  const files = unzip(await bytesOf(text("f32.zip")));
  const folder = "tiny-text-0-f32/";
  expect([...files.keys()]).toEqual(
    [
      "model.safetensors",
      "config.json",
      "generation_config.json",
      "tokenizer.json",
      "tokenizer_config.json",
      "README.md",
    ].map((name) => folder + name),
  );
  const saved = decodeSafetensors("zip", files.get(`${folder}model.safetensors`)!, LIMITS);
  expect(saved.metadata).toEqual({ format: "pt" });
  const plain = await bytesOf(relays[0]!.ask(routes.exported("tiny-text", "0")));
  const ours = decodeSafetensors("plain", plain, LIMITS);
  for (const [name, { bytes }] of ours.tensors) {
    expect(Buffer.compare(saved.tensors.get(`transformer.${name}`)!.bytes, bytes)).toBe(0);
  }
  expect(String(files.get(`${folder}README.md`))).toContain("verify https://RELAY/tiny-text@0");
});

test("H40: a version is served as one GGUF file, in ranges, with a tag of its own", async () => {
  const whole = await text("f16.gguf");
  const bytes = Buffer.from(await whole.arrayBuffer());
  expect(String(bytes.subarray(0, 4))).toBe("GGUF");
  expect(whole.headers.get("content-disposition")).toBe(
    'attachment; filename="tiny-text-0-f16.gguf"',
  );
  const etag = whole.headers.get("etag")!;
  const part = await text("f16.gguf", { headers: { range: "bytes=4-7", "if-range": etag } });
  expect([part.status, Buffer.from(await part.arrayBuffer()).readUInt32LE()]).toEqual([206, 3]);
  expect((await text("f16.gguf", { headers: { "if-none-match": etag } })).status).toBe(304);
  const other = await text("bf16.gguf", { method: "HEAD" });
  expect(other.headers.get("etag")).not.toBe(etag);
});

test("H40: the same version is the same bytes, however often it is made", async () => {
  const hashOf = async () =>
    createHash("sha256")
      .update(await bytesOf(text("f16.zip")))
      .digest("hex");
  const before = await hashOf();
  relays[0] = await relays[0]!.restart(); // what was kept is gone
  expect(await hashOf()).toBe(before);
});

test("H40: what a model cannot be had as is 404 download-unknown, and says as what it can", async () => {
  const ask = (name: string) => relays[1]!.ask(routes.download("tiny", "0", name));
  const { recipe } = await relays[1]!.client.model("tiny");
  expect(downloadsOf(recipe)).toEqual(["f32.zip", "f16.zip", "bf16.zip"]);
  for (const name of ["f32.gguf", "q4.gguf", "export.safetensors"]) {
    const response = await ask(name);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: { code: "download-unknown", message: "tiny can be had as f32.zip, f16.zip, bf16.zip" },
    });
  }
  expect((await ask("bf16.zip")).status).toBe(200);
  const { recipe: texts } = await relays[0]!.client.model("tiny-text");
  expect(downloadsOf(texts)).toEqual(DOWNLOADS);
});
