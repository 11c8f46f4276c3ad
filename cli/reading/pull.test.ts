import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { routes } from "../../core/protocol/routes.ts";
import { chunksOfManifest } from "../../core/tensors/manifest.ts";
import {
  openRepositoryStage,
  type RepositoryStage,
} from "../../tests/fixtures/repository-stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let stage: RepositoryStage;
let address: string;
beforeAll(async () => {
  stage = await openRepositoryStage();
  address = `${stage.url}/tiny`;
});
afterAll(() => stage.remove());

const exported = async (version: string) =>
  Buffer.from(await (await stage.relay.ask(routes.exported("tiny", version))).arrayBuffer());

async function pull(version: string, file: string) {
  const said = await stage.read("pull", `${address}${version}`, file, "--json");
  expect(said).toMatchObject({ code: 0, errors: [] });
  return JSON.parse(said.lines.join());
}

test("pull brings a file from any version to any other, byte for byte what the relay exports", async () => {
  const file = join(stage.folder, "tiny.safetensors");
  const whole = await pull("@1", file);
  expect(whole).toMatchObject({ number: 1, from: null });
  expect(await readFile(file)).toEqual(await exported("1"));
  const next = await pull("@1.0.0", file);
  expect(next).toMatchObject({ number: 2, from: 1 });
  expect(next.loadedBytes).toBeLessThan(whole.loadedBytes);
  expect(await readFile(file)).toEqual(await exported("2"));
  expect(await pull("", file)).toMatchObject({ number: 4, from: 2 }); // over a revert
  expect(await readFile(file)).toEqual(await exported("head"));
  expect(await pull("", file)).toMatchObject({ number: 4, from: 4, loadedBytes: 0 });
  expect(await pull("@1", file)).toMatchObject({ number: 1, from: 4 });
  expect(await readFile(file)).toEqual(await exported("1"));
  expect((await readdir(stage.folder)).filter((name) => name.endsWith(".parts"))).toEqual([]);
});

test("an interrupted pull goes on with what it had loaded", async () => {
  const file = join(stage.folder, "resumed.safetensors");
  const whole = await pull("", join(stage.folder, "whole.safetensors"));
  const { keyframe } = await stage.relay.client.checkpoint("tiny", 4);
  const chunk = chunksOfManifest(keyframe!.manifest)[0]!.sha256;
  await mkdir(`${file}.parts/blobs`, { recursive: true });
  const bytes = await stage.relay.client.blob(chunk);
  await writeFile(join(`${file}.parts/blobs`, chunk), bytes);
  const rest = await pull("", file);
  expect(rest.loadedBytes).toBe(whole.loadedBytes - bytes.length);
});

/** What a pull into a file with these bytes says; the file must stay as it is. */
async function refusalOf(bytes: Uint8Array, version = ""): Promise<string> {
  const file = join(stage.folder, "refused.safetensors");
  await writeFile(file, bytes);
  const { code, lines, errors } = await stage.read("pull", `${address}${version}`, file);
  expect({ code, lines, count: errors.length }).toEqual({ code: 1, lines: [], count: 1 });
  expect(new Uint8Array(await readFile(file))).toEqual(new Uint8Array(bytes));
  return errors[0]!;
}

test("a file that is not what it says it is stays as it is", async () => {
  const one = await exported("1");
  const other = Buffer.from(one);
  other[one.length - 3]! ^= 1; // a weight is another
  expect(await refusalOf(other)).toBe("what is held is not version 1 of tiny");
  const renumbered = Buffer.from(
    one.toString("latin1").replace('"number":"1"', '"number":"2"'),
    "latin1",
  );
  expect(await refusalOf(renumbered)).toBe("what is held is not version 2 of tiny");
  const absent = Buffer.from(
    one.toString("latin1").replace('"number":"1"', '"number":"9"'),
    "latin1",
  );
  expect(await refusalOf(absent)).toMatch(/version 9: .*no such version/);
  const foreign = Buffer.from(
    one.toString("latin1").replace('"model":"tiny"', '"model":"tinx"'),
    "latin1",
  );
  expect(await refusalOf(foreign)).toMatch(/holds tinx, not tiny$/);
  expect(await refusalOf(Buffer.from("no safetensors"))).toMatch(/refused\.safetensors: /);
  expect(await refusalOf(one.subarray(0, one.length - 4))).toMatch(/refused\.safetensors: /);
});

test("a version that the relay does not have, and another key, change no file", async () => {
  const one = await exported("1");
  expect(await refusalOf(one, "@7")).toBe("tiny has no such version; its head is 4");
  const file = join(stage.folder, "keyed.safetensors");
  const keyed = await stage.read("pull", address, file, "--key", "ab".repeat(32));
  expect(keyed).toMatchObject({ code: 1, lines: [] });
  expect(keyed.errors[0]).toMatch(/does not verify: .*\(key\)$/);
  expect(await readdir(stage.folder)).not.toContain("keyed.safetensors");
});
