import { engine, getKernel, registerKernel, tensor, unregisterKernel } from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { openBackend } from "./backend.ts";
import { openCpu } from "./cpu/backend.ts";
import { checkDevice } from "./self-check.ts";

beforeAll(async () => {
  await openBackend({ prefer: "cpu" });
});

test("without WebGPU the CPU takes over by itself, with SIMD", async () => {
  const opened = await openBackend({ prefer: "webgpu" });
  expect(opened).toMatchObject({ name: "wasm", device: "wasm simd" });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("a browser that never answers for its GPU leaves the work to the CPU after ten seconds", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  vi.stubGlobal("navigator", { gpu: { requestAdapter: () => new Promise(() => {}) } });
  const opening = openBackend({ prefer: "webgpu" });
  vi.advanceTimersByTime(10_000);
  vi.useRealTimers();
  expect(await opening).toMatchObject({ name: "wasm" });
});

test.each([1, 2, 3])(
  "every operation on wasm agrees with the plain bodies, seed %i",
  async (seed) => {
    expect(await checkDevice(seed)).toEqual({ ok: true });
  },
);

test("the wasm backend opens again after another was in use", async () => {
  await openCpu();
  expect(await checkDevice()).toEqual({ ok: true });
  const { name } = await openBackend({ prefer: "cpu" });
  expect(name).toBe("wasm");
  expect(await checkDevice()).toEqual({ ok: true });
});

test("a device whose operation does nothing is found out, by the operation's name", async () => {
  const op = "MaskedAdamW";
  await openCpu();
  const right = getKernel(op, "cpu");
  unregisterKernel(op, "cpu");
  registerKernel({ kernelName: op, backendName: "cpu", kernelFunc: () => [] });
  try {
    const check = await checkDevice();
    expect(check).toMatchObject({
      ok: false,
      op,
      message: expect.stringMatching(/value 0 is .*, not /),
    });
  } finally {
    unregisterKernel(op, "cpu");
    registerKernel(right);
  }
});

test("a device that rounds the inputs of its products to f16 is found out", async () => {
  const op = "Linear";
  await openCpu();
  const right = getKernel(op, "cpu");
  unregisterKernel(op, "cpu");
  const kernelFunc: typeof right.kernelFunc = ({ inputs, ...call }) => {
    const { x } = inputs;
    const values = engine().readSync(x!.dataId) as Float32Array; // x is f32
    const rounded = tensor(values.map(roundToHalf), x!.shape);
    return right.kernelFunc({ inputs: { ...inputs, x: rounded }, ...call });
  };
  registerKernel({ kernelName: op, backendName: "cpu", kernelFunc });
  try {
    expect(await checkDevice()).toMatchObject({ ok: false, op: expect.stringMatching(/^Linear/) });
  } finally {
    unregisterKernel(op, "cpu");
    registerKernel(right);
  }
});

/** To 11 significant bits. */
function roundToHalf(value: number): number {
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(value))) - 10);
  return value === 0 ? 0 : Math.round(value / unit) * unit;
}
