import { expect, test } from "vitest";
import { trainDelta } from "../../../core/training/train.ts";
import { openBackend } from "../../../kernels/backend.ts";
import { threadsTask } from "../../fixtures/threads-task.ts";

test("an isolated page's worker trains on all cores, to the bytes of one", async () => {
  const worker = new Worker(new URL("../../fixtures/threads-worker.ts", import.meta.url), {
    type: "module",
  });
  const { promise, resolve, reject } = Promise.withResolvers<{
    readonly isIsolated: boolean;
    readonly device: string;
    readonly delta: Float32Array;
  }>();
  worker.addEventListener("message", ({ data }) => resolve(data));
  worker.addEventListener("error", ({ message }) => reject(new Error(message)));
  const byThreads = await promise;
  worker.terminate();
  expect(byThreads.isIsolated).toBe(true);
  const cores = navigator.hardwareConcurrency;
  expect(byThreads.device).toBe(cores > 1 ? `wasm simd, ${cores} threads` : "wasm simd");
  expect(await openBackend({ prefer: "cpu" })).toMatchObject({ device: "wasm simd" });
  const { delta } = await trainDelta(threadsTask());
  expect(byThreads.delta).toEqual(delta);
});
