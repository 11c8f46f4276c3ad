import { proxy, wrap } from "comlink";
import { expect, test } from "vitest";
import type { Phase, Snapshot, WorkerApi } from "../../../worker/api.ts";

const HALTED = new Set<Phase>(["offline", "stopped"]); // without a relay beside the test, and with one

test("the worker answers through comlink: it opens, tries, says why it cannot, and stops", async () => {
  const worker = new Worker(new URL("../../../worker/main.ts", import.meta.url), {
    type: "module",
  });
  const api = wrap<WorkerApi>(worker);
  const told: Snapshot[] = [];
  const halted = Promise.withResolvers<Snapshot>();
  await api.open(
    proxy((snapshot: Snapshot) => {
      told.push(snapshot);
      if (HALTED.has(snapshot.phase)) halted.resolve(snapshot);
    }),
  );
  await api.start({ model: "no-such-model", prefer: "cpu", power: 1 });
  const device = expect.stringMatching(/^wasm simd(, \d+ threads)?$/);
  expect(await halted.promise).toMatchObject({ engine: "wasm", device });
  expect(told[0]).toMatchObject({ phase: "ready", engine: null });
  await api.stop();
  await api.forget();
  worker.terminate();
});
