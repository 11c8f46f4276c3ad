import { expect, test } from "vitest";
import { webLock } from "../../../worker/run/web-lock.ts";

test("one tab works at a time: the next is told, waits, and takes over", async () => {
  const lock = webLock(navigator.locks);
  const { signal } = new AbortController();
  const log: string[] = [];
  let release = () => {};
  const first = lock.hold(
    () => {
      log.push("first works");
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    },
    { signal, onWait: () => log.push("first waits") },
  );
  const second = lock.hold(
    async () => {
      log.push("second works");
    },
    {
      signal,
      onWait() {
        log.push("second waits");
        release();
      },
    },
  );
  await Promise.all([first, second]);
  expect(log).toEqual(["first works", "second waits", "second works"]);
});

test("a tab that is told to stop waits no longer", async () => {
  const lock = webLock(navigator.locks);
  const held = new AbortController();
  const stop = new AbortController();
  let release = () => {};
  const busy = new Promise<void>((resolve) => {
    release = resolve;
  });
  const first = lock.hold(() => busy, { signal: held.signal, onWait: () => {} });
  const second = lock.hold(async () => {}, { signal: stop.signal, onWait: () => stop.abort() });
  await expect(second).rejects.toMatchObject({ name: "AbortError" });
  release();
  await first;
});
