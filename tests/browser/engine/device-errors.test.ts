import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { backend, tensor, zeros } from "@tensorflow/tfjs-core";
import { beforeEach, expect, test } from "vitest";
import { adamWInto, applyDeltaInto } from "../../../core/models/operations.ts";
import { trainDelta } from "../../../core/training/train.ts";
import { openBackend } from "../../../kernels/backend.ts";
import { smallTask } from "../../fixtures/training-task.ts";

const open = () => openBackend({ prefer: "webgpu" });
beforeEach(async () => {
  expect((await open()).name).toBe("webgpu");
});

test("a tensor may be as large as the device's buffers and bindings", async () => {
  const { limits } = (backend() as WebGPUBackend).device;
  const { maxTensorBytes } = await open();
  expect(maxTensorBytes).toBe(Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize));
});

/** Trains while `spoil` is done to the device between two steps. */
const trainSpoilt = (spoil: (device: GPUDevice) => void) =>
  trainDelta(smallTask(), {
    onStep: ({ step }) => {
      if (step === 5) spoil((backend() as WebGPUBackend).device);
    },
  });

test("a command that the device refuses is an error named DeviceFaultError, and opening again goes on", async () => {
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE; // not allowed together
  const spoilt = trainSpoilt((device) => device.createBuffer({ size: 4, usage }));
  await expect(spoilt).rejects.toMatchObject({ name: "DeviceFaultError" });
  await open();
  expect((await trainDelta(smallTask())).delta.length).toBe(smallTask().positions.length);
});

test("a device without room is an error named DeviceMemoryError", async () => {
  const spoilt = trainSpoilt((device) => {
    const error = new GPUOutOfMemoryError("no room"); // a test that fills the memory harms its machine
    device.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error }));
  });
  await expect(spoilt).rejects.toMatchObject({ name: "DeviceMemoryError" });
});

test("a mask with more entries than workgroups in a row is stepped to its end", async () => {
  const { device } = backend() as WebGPUBackend;
  const k = 64 * device.limits.maxComputeWorkgroupsPerDimension + 1;
  const state = zeros([3, k]);
  const base = zeros([k]);
  adamWInto(state, tensor(new Float32Array(k).fill(1)), base, {
    learningRate: 1,
    beta1: 0,
    beta2: 0,
    epsilon: 0,
    weightDecay: 0,
    correction1: 1,
    correction2: 1,
  });
  const weight = zeros([k]);
  const positions = tensor(
    Int32Array.from({ length: k }, (_, index) => index),
    [k],
    "int32",
  );
  applyDeltaInto(weight, state, base, positions, { start: 0, count: k, offset: 0 });
  const values = await weight.data();
  expect(values.findIndex((value) => value !== -1)).toBe(-1);
  for (const used of [state, base, weight, positions]) used.dispose();
});
