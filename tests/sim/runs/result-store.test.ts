import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openResultStore } from "./result-store.ts";
import { community } from "./spec.ts";

const metrics = { examples: 1, lossNats: 2, accuracy: 0.5 };
const result = { report: { base: metrics, last: metrics, versions: [] }, seconds: 12 };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(`${tmpdir()}/results-`);
});
afterAll(() => rm(folder, { recursive: true }));

test("a result is found by the very same spec and code, and by no other", async () => {
  const spec = community({ seed: "1", attack: "noise" });
  const store = openResultStore(`${folder}/sim`, async () => "code 1");
  expect(await store.read(spec)).toBeNull();
  await store.write(spec, result);
  expect(await store.read({ ...spec })).toEqual(result);
  expect(await store.read({ ...spec, seed: "2" })).toBeNull();
  expect(await openResultStore(`${folder}/sim`, async () => "code 2").read(spec)).toBeNull();
});
