import { getPriority } from "node:os";
import { expect, test, vi } from "vitest";
import { eventually } from "../../tests/fixtures/eventually.ts";
import type { Mortal } from "../../tests/fixtures/mortal-thread.ts";
import { keepThread } from "./lasting-thread.ts";

const URL_OF_MORTAL = new URL("../../tests/fixtures/mortal-thread.ts", import.meta.url);

test("a thread that dies rejects what it was doing, and the next call finds a new one that knows the same", async () => {
  const { thread, close } = keepThread<Mortal>(URL_OF_MORTAL, (started) =>
    started.remember("hello"),
  );
  expect(await thread.recall()).toBe("hello");
  await expect(thread.die()).rejects.toThrow("ended");
  expect(await thread.recall()).toBe("hello");
  await close();
});

test("a thread that is idle ends for its memory's sake, and the next call finds one that knows the same", async () => {
  const started = vi.fn(async (thread: Mortal) => thread.remember("hello"));
  const { thread, isRunning, close } = keepThread<Mortal>(URL_OF_MORTAL, started, 1);
  expect(await thread.recall()).toBe("hello");
  await eventually(() => expect(isRunning()).toBe(false));
  expect(await thread.recall()).toBe("hello");
  expect(started).toHaveBeenCalledTimes(2);
  await close();
});

test("nothing starts a thread that was closed", async () => {
  const { thread, isRunning, close } = keepThread<Mortal>(URL_OF_MORTAL, async () => {});
  await close();
  await expect(thread.recall()).rejects.toThrow("ended");
  expect(isRunning()).toBe(false);
});

test("an error crosses with its name and its code", async () => {
  const { thread, close } = keepThread<Mortal>(URL_OF_MORTAL, async () => {});
  await expect(thread.fail()).rejects.toMatchObject({ name: "RangeError", code: "FAR" });
  await close();
});

test.runIf(process.platform === "linux")(
  "a thread that is kept gives way to the one that asks it",
  async () => {
    const { thread, close } = keepThread<Mortal>(URL_OF_MORTAL, async () => {});
    expect(await thread.niceness()).toBeGreaterThan(getPriority(0));
    await close();
  },
);
