import { expect, test } from "vitest";
import { createMemo } from "./memo.ts";

test("all who ask within a moment get one answer, which is made anew when it is old or things changed", async () => {
  let now = 0;
  let made = 0;
  const memo = createMemo<number>(() => now);
  const ask = (state: number, name = "health") =>
    memo({ name, state, maxAgeMs: 1000 }, async () => ++made);
  expect(await Promise.all([ask(0), ask(0), ask(0, "board")])).toEqual([1, 1, 2]);
  now = 999;
  expect(await ask(0)).toBe(1);
  expect(await ask(1)).toBe(3);
  now = 1999;
  expect(await ask(1)).toBe(4);
  now = 0; // the clock was set back
  expect(await ask(1)).toBe(5);
});

test("a failure is told to all who waited for it, and not kept", async () => {
  const memo = createMemo<string>(() => 0);
  const key = { name: "health", state: 0, maxAgeMs: 1000 };
  const fail = () => Promise.reject(new Error("no disk"));
  const asked = [memo(key, fail), memo(key, fail)];
  for (const answer of asked) await expect(answer).rejects.toThrow("no disk");
  expect(await memo(key, async () => "well")).toBe("well");
});
