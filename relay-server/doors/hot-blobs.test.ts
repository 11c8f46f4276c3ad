import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createHotBlobs } from "./hot-blobs.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-hot-"));
  for (const name of ["a", "b", "c"]) await writeFile(join(folder, name), new Uint8Array(100));
});
afterAll(() => rm(folder, { recursive: true }));

test("answers of one blob share its bytes, and what different ones hold is bounded", async () => {
  const hot = createHotBlobs({ keptBytes: 100, sentBytes: 200 });
  const take = (name: string) => hot.take(name, 100, join(folder, name));
  const [a, again] = await Promise.all([take("a"), take("a")]);
  expect(again?.bytes.buffer).toBe(a?.bytes.buffer);
  expect(await take("b")).not.toBeNull();
  expect(await take("c")).toBeNull(); // is read piece by piece
  a?.letGo();
  expect(await take("c")).toBeNull(); // the other reader of "a" has it yet
  again?.letGo();
  expect(await take("c")).not.toBeNull();
  expect(await hot.take("large", 5 << 20, join(folder, "a"))).toBeNull();
});

test("a file that is not there holds nothing, and is looked for again", async () => {
  const hot = createHotBlobs({ keptBytes: 100, sentBytes: 100 });
  const path = join(folder, "late");
  for (let i = 0; i < 2; i++) await expect(hot.take("late", 100, path)).rejects.toThrow("ENOENT");
  await writeFile(path, new Uint8Array(100));
  expect((await hot.take("late", 100, path))?.bytes).toHaveLength(100);
});
