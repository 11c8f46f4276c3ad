import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import type { Mortal } from "../../tests/fixtures/mortal-thread.ts";
import { callThread } from "./call-port.ts";
import { watchThread } from "./vital-thread.ts";

/** A thread that is watched, and what was heard of its end. */
function startMortal() {
  const worker = new Worker(new URL("../../tests/fixtures/mortal-thread.ts", import.meta.url));
  const heard: string[] = [];
  const letGo = watchThread(worker, (reason) => heard.push(reason));
  return { worker, thread: callThread<Mortal>(worker), heard, letGo };
}

test("a thread that ends by itself is missed, one that was let go is not", async () => {
  const lost = startMortal();
  await expect(lost.thread.die()).rejects.toThrow("ended");
  expect(lost.heard).toEqual(["exit code 1"]);
  const free = startMortal();
  await free.thread.recall();
  free.letGo();
  await free.worker.terminate();
  expect(free.heard).toEqual([]);
});

test("what killed a thread is told", async () => {
  const { worker, heard } = startMortal();
  worker.emit("error", new RangeError("out of memory"));
  await worker.terminate();
  expect(heard).toEqual(["out of memory"]);
});
