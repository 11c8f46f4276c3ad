import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readPublished, writePublished } from "./published-runs.ts";
import { openResultStore } from "./result-store.ts";
import { community } from "./spec.ts";

const metrics = { examples: 1, lossNats: 2, accuracy: 0.5 };
const machine = { cpu: "one", cores: 2, gpu: "none", node: "v24", chromium: "none" };
const report = { base: metrics, last: metrics, versions: [] };
const result = { report, seconds: 12, date: "2026-11-28", machine };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(`${tmpdir()}/results-`);
});
afterAll(() => rm(folder, { recursive: true }));

test("a result is found by the very same spec and code, and by no other", async () => {
  const spec = community({ seed: "1", attack: "noise" });
  const store = openResultStore(`${folder}/sim`, async () => "code 1", new Map());
  expect(await store.read(spec)).toBeNull();
  await store.write(spec, result);
  expect(await store.read({ ...spec })).toEqual(result);
  expect(await store.read({ ...spec, seed: "2" })).toBeNull();
  const changed = openResultStore(`${folder}/sim`, async () => "code 2", new Map());
  expect(await changed.read(spec)).toBeNull();
});

test("a published run need not be run again, unless its code has changed since", async () => {
  const spec = community({ seed: "3" });
  const path = `${folder}/study.jsonl.gz`;
  await writePublished(path, [{ ...result, spec, code: "code 1" }]);
  const first = await readFile(path);
  const published = await readPublished([path]);
  const storeOf = (code: string) => openResultStore(`${folder}/none`, async () => code, published);
  expect(await storeOf("code 1").read(spec)).toEqual(result);
  expect(await storeOf("code 1").read({ ...spec, seed: "4" })).toBeNull();
  expect(await storeOf("code 2").read(spec)).toBeNull();
  await writePublished(path, [{ ...result, spec, code: "code 1" }]);
  expect(await readFile(path)).toEqual(first);
});
