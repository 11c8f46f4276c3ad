import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testStore } from "../tests/fixtures/store-suite.ts";
import { openFileStore } from "./file-store.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "commonweight-store-"));
});
afterAll(() => rm(root, { recursive: true }));

testStore("files", ({ name, ...settings }) =>
  openFileStore({ path: join(root, name), ...settings }),
);

const now = () => 1;

test("files: only their owner can read the key", async () => {
  const path = join(root, "private");
  const store = await openFileStore({ path, now });
  await store.createKeyPair();
  expect((await stat(join(path, "key.json"))).mode & 0o777).toBe(0o600);
  expect((await readdir(path)).filter((name) => name.startsWith("key"))).toEqual(["key.json"]);
});

test("files: a damaged key is named and never replaced by a new one", async () => {
  const path = join(root, "damaged");
  const store = await openFileStore({ path, now });
  await writeFile(join(path, "key.json"), "{");
  await expect(store.keyPair()).rejects.toThrow(/key\.json: not JSON/);
  await expect(store.createKeyPair()).rejects.toThrow(/key\.json: not JSON/);
  expect(await readFile(join(path, "key.json"), "utf8")).toBe("{");
});

test("files: what a crash left half-written is not taken for an entry", async () => {
  const path = join(root, "crashed");
  const store = await openFileStore({ path, now });
  await writeFile(join(path, "outbox", `${"a".repeat(64)}.1.0.tmp`), "half");
  expect(await store.outbox()).toEqual([]);
});
