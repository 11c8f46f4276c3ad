import { getKernel, registerKernel, unregisterKernel } from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { WASM_FOLDER } from "../tests/fixtures/wasm-folder.ts";
import { openBackend } from "./backend.ts";
import { openCpu } from "./cpu/backend.ts";
import { checkDevice } from "./self-check.ts";

beforeAll(async () => {
  await openBackend({ prefer: "cpu", wasmFolder: WASM_FOLDER });
});

test("without WebGPU the CPU takes over by itself, with SIMD", async () => {
  const opened = await openBackend({ prefer: "webgpu", wasmFolder: WASM_FOLDER });
  expect(opened).toMatchObject({ name: "wasm", device: "wasm simd" });
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
  const { name } = await openBackend({ prefer: "cpu", wasmFolder: WASM_FOLDER });
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
