import { expect, test } from "vitest";
import { createHotBlobs } from "./hot-blobs.ts";

const bytes = async () => new Uint8Array(100);

test("answers of one blob share its bytes, and what different ones hold is bounded", async () => {
  const hot = createHotBlobs({ keptBytes: 100, sentBytes: 200 });
  const take = (name: string) => hot.take(name, 100, bytes);
  const [a, again] = await Promise.all([take("a"), take("a")]);
  expect(again?.bytes.buffer).toBe(a?.bytes.buffer);
  expect(await take("b")).not.toBeNull();
  expect(await take("c")).toBeNull(); // is read piece by piece
  a?.letGo();
  expect(await take("c")).toBeNull(); // the other reader of "a" has it yet
  again?.letGo();
  expect(await take("c")).not.toBeNull();
  expect(await hot.take("large", 5 << 20, bytes)).toBeNull();
});

test("what is not there holds nothing, and is looked for again", async () => {
  const hot = createHotBlobs({ keptBytes: 100, sentBytes: 100 });
  const missing = async () => null;
  for (let i = 0; i < 2; i++) await expect(hot.take("late", 100, missing)).rejects.toThrow("late");
  expect((await hot.take("late", 100, bytes))?.bytes).toHaveLength(100);
});
