import { getBackend } from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { openCheckedEngine } from "../../../worker/device/device-check.ts";
import { createEngine } from "../../../worker/device/engine.ts";
import { createPace } from "../../../worker/run/pace.ts";
import { openIndexedDbStore } from "../../../worker/store/indexed-db-store.ts";

const { submit } = GPUQueue.prototype;
const { requestAdapter } = GPU.prototype;
const { now } = Date;

/** Opens the engine of `build` as often as asked, on one store, and counts the programs that it runs. */
async function openStage(name: string) {
  const store = await openIndexedDbStore({ name, now });
  let submissions = 0;
  const open = async (build: string, atMs = 1_000, onSubmit = submit) => {
    submissions = 0;
    GPUQueue.prototype.submit = function (buffers) {
      submissions++;
      onSubmit.call(this, buffers);
    };
    try {
      const engine = createEngine({ build });
      const platform = {
        now: () => atMs,
        steadyMs: () => atMs,
        sleep: async () => {},
        random: () => 0.5,
      };
      const run = {
        store,
        platform,
        pace: createPace(platform),
        signal: new AbortController().signal,
      };
      const opened = await openCheckedEngine(engine, "webgpu", run);
      return { ...opened, submissions };
    } finally {
      GPUQueue.prototype.submit = submit;
    }
  };
  return { store, open };
}

test("a GPU that computes wrong fails its check, and the processor takes over and says why", async () => {
  const { store, open } = await openStage("fails");
  const drop = () => undefined; // every program is dropped: all results are 0
  const opened = await open("build 1", 1_000, drop);
  expect(opened.name).toBe("wasm");
  expect(opened.fallback).toMatch(
    /^This graphics device failed its check \(.+: value \d+ is 0, not/,
  );
  expect(await store.deviceCheck()).toBeNull();
});

test("a device that passed is not checked again, until the build is another or a week is over", async () => {
  const { store, open } = await openStage("passes");
  const first = await open("build 1");
  expect(first).toMatchObject({ name: "webgpu", fallback: null });
  expect(first.submissions).toBeGreaterThan(50);
  expect(await store.deviceCheck()).toMatchObject({ passedAt: 1_000 });

  expect((await open("build 1", 2_000)).submissions).toBe(0);
  expect((await open("build 2", 3_000)).submissions).toBeGreaterThan(50);
  expect(await store.deviceCheck()).toMatchObject({ passedAt: 3_000 });
  expect((await open("build 2", 8 * 24 * 3_600_000)).submissions).toBeGreaterThan(50);
});

test("an opening that comes late does not displace the one that was asked for after it", async () => {
  const engine = createEngine();
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  GPU.prototype.requestAdapter = async function (options) {
    asked.resolve();
    await held.promise;
    return requestAdapter.call(this, options);
  };
  try {
    const stopped = engine.open("webgpu");
    await asked.promise;
    const wanted = engine.open("cpu", { onWait: () => held.resolve() });
    void wanted.then(() => held.resolve()); // if it does not wait
    expect((await stopped).name).toBe("webgpu");
    expect((await wanted).name).toBe("wasm");
    expect(getBackend()).toBe("wasm");
  } finally {
    GPU.prototype.requestAdapter = requestAdapter;
  }
});

test("a check that goes on after its run was stopped ends before another device is opened", async () => {
  const engine = createEngine();
  const ended: string[] = [];
  const gpu = await engine.open("webgpu");
  const checked = gpu.selfCheck!.run().then((fault) => ended.push(`check ${fault}`));
  await Promise.all([checked, engine.open("cpu").then(({ name }) => ended.push(name))]);
  expect(ended).toEqual(["check null", "wasm"]);
  expect(getBackend()).toBe("wasm");
});
