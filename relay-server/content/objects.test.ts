import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startS3, type TestS3 } from "../../tests/fixtures/s3-server.ts";
import { openAdditionFiles } from "./addition-files.ts";
import { openHeldOutStore } from "./held-out-store.ts";
import type { Objects } from "./objects.ts";
import { openObjects } from "./open-objects.ts";
import { openPublicBlobs } from "./public-blobs.ts";

const folder = mkdtempSync(join(tmpdir(), "commonweight-objects-"));
let s3: TestS3;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(async () => {
  await s3.remove();
  rmSync(folder, { recursive: true });
});

const PLACES = ["folder", "bucket"] as const;
const openAt = (place: (typeof PLACES)[number]): Objects =>
  openObjects(place === "folder" ? { kind: place, path: folder, temporary: folder } : s3.bucket);

const text = (bytes: Uint8Array | null) => bytes && new TextDecoder().decode(bytes);
const bytesOf = (words: string) => new TextEncoder().encode(words);

test.each(PLACES)("a %s has what was put there, whole, in part and by its size", async (place) => {
  const objects = openAt(place);
  await objects.put("private/a/one", bytesOf("first"));
  await objects.put("private/a/one", bytesOf("the second"));
  expect(text(await objects.read("private/a/one"))).toBe("the second");
  expect(await objects.size("private/a/one")).toBe(10);
  const part = objects.stream("private/a/one", 4, 7);
  expect(
    await new Response(part as unknown as ReadableStream<Uint8Array<ArrayBuffer>>).text(),
  ).toBe("sec");
  await objects.put("empty", new Uint8Array());
  expect([await objects.size("empty"), await objects.read("empty")]).toEqual([0, new Uint8Array()]);
});

test.each(PLACES)("a %s knows nothing of what was never put or was removed", async (place) => {
  const objects = openAt(place);
  const isAbsent = async (name: string) =>
    expect([await objects.read(name), await objects.size(name)]).toEqual([null, null]);
  await isAbsent("private/never");
  await expect(
    new Response(objects.stream("private/never", 0, 1) as never).text(),
  ).rejects.toThrow();
  await objects.put("private/b", bytesOf("b"));
  await objects.remove("private/b");
  await objects.remove("private/b");
  await isAbsent("private/b");
  expect(await objects.list("private/nowhere")).toEqual([]);
});

test.each(PLACES)(
  "a %s lists and removes all of a folder, and nothing beside it",
  async (place) => {
    const objects = openAt(place);
    const before = Date.now() - 2000; // S3 tells whole seconds
    for (const name of ["list/a/1", "list/a/2", "list/ab/3"])
      await objects.put(name, bytesOf(name));
    const listed = await objects.list("list/a");
    expect(listed.map(({ name }) => name).sort()).toEqual(["list/a/1", "list/a/2"]);
    for (const { at } of listed) expect(at).toBeGreaterThan(before);
    await objects.removeAll("list/a");
    expect((await objects.list("list")).map(({ name }) => name)).toEqual(["list/ab/3"]);
  },
);

test.each(PLACES)("an upload in a %s is swept once nothing came to it for long", async (place) => {
  const files = openAdditionFiles(openAt(place));
  await files.put("left", "0".repeat(64), bytesOf("chunk"));
  await files.touch("left");
  expect([...(await files.chunks("left"))]).toEqual(["0".repeat(64)]);
  expect(await files.sweep(Date.now() - 60_000, new Set())).toEqual([]);
  expect(await files.sweep(Date.now() + 60_000, new Set(["left"]))).toEqual([]);
  expect(await files.sweep(Date.now() + 60_000, new Set())).toEqual(["left"]);
  expect((await files.chunks("left")).size).toBe(0);
});

test.each(PLACES)(
  "a blob in a %s is found by its hash, gzipped where that helps",
  async (place) => {
    const blobs = openPublicBlobs(openAt(place));
    const bytes = new Uint8Array(10_000).fill(7);
    const id = await blobs.put(bytes);
    expect(await blobs.put(bytes)).toBe(id);
    expect(await blobs.read(id)).toEqual(bytes);
    expect(await blobs.size(id, "gzip")).toBeLessThan(100);
    await blobs.remove(id);
    expect([await blobs.size(id), await blobs.size(id, "gzip")]).toEqual([null, null]);
  },
);

test("only blobs are for other users' eyes", async () => {
  const objects = openAt("folder");
  await openHeldOutStore(objects).put("tiny", "gate", Uint8Array.of(1));
  const { mode } = statSync(join(folder, "private/tiny/gate.safetensors"));
  expect(mode & 0o777).toBe(0o600);
});

test("a bucket that does not answer is an outage, one that refuses the key is none", async () => {
  const wrong = openObjects({ ...s3.bucket, keyId: "nobody's" });
  await expect(wrong.put("a", bytesOf("a"))).rejects.toMatchObject({
    name: "ContentRefusedError",
    message: expect.stringContaining("refuses it: InvalidAccessKeyId"),
  });
  const objects = openAt("bucket");
  await objects.put("kept", bytesOf("kept"));
  await s3.stop();
  const away = { name: "ContentAwayError" };
  await expect(objects.read("kept")).rejects.toMatchObject(away);
  await expect(objects.put("kept", bytesOf("other"))).rejects.toMatchObject(away);
  await expect(objects.size("kept")).rejects.toMatchObject(away);
  await s3.start();
  expect(text(await objects.read("kept"))).toBe("kept");
});
