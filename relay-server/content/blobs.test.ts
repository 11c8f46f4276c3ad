import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { openObjects } from "./open-objects.ts";
import { openPublicBlobs } from "./public-blobs.ts";

const folder = mkdtempSync(join(tmpdir(), "commonweight-blobs-"));
const temporary = join(folder, "tmp");
await mkdir(temporary);
afterAll(() => rmSync(folder, { recursive: true }));
const objects = openObjects({ kind: "folder", path: folder, temporary });
const blobs = openPublicBlobs(objects);
const pathOf = (id: string, ending = "") => join(folder, "blobs", id.slice(0, 2), `${id}${ending}`);

test("a blob is found by its hash, put once or twice, and nothing else is left on the disk", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(1000));
  const id = await blobs.put(bytes);
  expect(await blobs.put(bytes)).toBe(id);
  expect(await blobs.read(id)).toEqual(bytes);
  expect(await blobs.size(id)).toBe(1000);
  expect(await blobs.size(id, "gzip")).toBeNull(); // random bytes do not shrink
  expect(readdirSync(temporary)).toEqual([]);
});

test("what shrinks is kept gzipped too", async () => {
  const id = await blobs.put(new Uint8Array(10_000));
  expect(await blobs.size(id, "gzip")).toBeLessThan(100);
});

test("a damaged or missing blob is null", async () => {
  const id = await blobs.put(Uint8Array.of(1, 2, 3));
  writeFileSync(pathOf(id), "123");
  expect(await blobs.read(id)).toBeNull();
  expect(await blobs.read("0".repeat(64))).toBeNull();
});

test("a gzipped copy with a flipped bit is thrown away, and the blob served as it is", async () => {
  const bytes = new Uint8Array(10_000).fill(3);
  const id = await blobs.put(bytes);
  const small = readFileSync(pathOf(id, ".gz"));
  small[12]! ^= 1;
  writeFileSync(pathOf(id, ".gz"), small);
  expect(await blobs.verify(id)).toEqual(bytes);
  expect(await blobs.size(id, "gzip")).toBeNull();
  const [second] = bytes;
  writeFileSync(pathOf(id), bytes.with(0, second! ^ 1));
  expect(await blobs.verify(id)).toBeNull();
});

test("a gzipped copy of other bytes is thrown away, as many or more; a sound one of a lost blob stays", async () => {
  const bytes = new Uint8Array(10_000).fill(4);
  const id = await blobs.put(bytes);
  for (const other of [bytes.with(9999, 5), new Uint8Array(1 << 20)]) {
    writeFileSync(pathOf(id, ".gz"), gzipSync(other));
    expect(await blobs.verify(id)).toEqual(bytes);
    expect(await blobs.size(id, "gzip")).toBeNull();
  }
  writeFileSync(pathOf(id, ".gz"), gzipSync(bytes));
  rmSync(pathOf(id));
  expect(await blobs.verify(id)).toBeNull();
  expect(await blobs.size(id, "gzip")).not.toBeNull();
});
