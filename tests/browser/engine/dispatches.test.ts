import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { backend, tensor } from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { linear } from "../../../core/models/operations.ts";
import { createRandom } from "../../../core/random.ts";
import { trainDelta } from "../../../core/training/train.ts";
import { openBackend } from "../../../kernels/backend.ts";
import { limitDispatches, mostMultiplyAdds } from "../../../kernels/webgpu/dispatch-limit.ts";
import { smallTask } from "../../fixtures/training-task.ts";

const wasmFolder = "/node_modules/@tensorflow/tfjs-backend-wasm/dist/";

test("a slow device's products are split to about 50 ms a dispatch, and the bytes stay the same", async () => {
  await openBackend({ prefer: "webgpu", wasmFolder });
  const open = backend() as WebGPUBackend;
  const measured = mostMultiplyAdds(open);
  expect(measured).toBeGreaterThan(0);
  expect(measured).toBeLessThan(Number.POSITIVE_INFINITY);

  const [rows, depth, columns] = [161, 37, 131]; // 6 × 5 tiles, the last ones cut
  const random = createRandom(3);
  const x = Float32Array.from({ length: rows * depth }, () => random.below(4097) / 2048 - 1);
  const weight = Float32Array.from({ length: depth * columns }, () => random.below(4097) / 2048);
  const product = async () => {
    const inputs = [tensor(x, [rows, depth]), tensor(weight, [depth, columns])] as const;
    return linear(...inputs, null, { orientation: "in-out", relu: false }).data();
  };
  const whole = await product();
  const { dispatchWorkgroups } = GPUComputePassEncoder.prototype;
  const dispatched: number[] = [];
  GPUComputePassEncoder.prototype.dispatchWorkgroups = function (groups, ...others) {
    dispatched.push(groups);
    return dispatchWorkgroups.call(this, groups, ...others);
  };
  try {
    limitDispatches(open, 4 * 32 * 32 * depth);
    expect(await product()).toEqual(whole);
    expect(dispatched).toEqual([4, 4, 4, 4, 4, 4, 4, 2]);
    dispatched.length = 0;
    limitDispatches(open, 1); // a single tile is the least
    expect(await product()).toEqual(whole);
    expect(dispatched).toHaveLength(30);
  } finally {
    GPUComputePassEncoder.prototype.dispatchWorkgroups = dispatchWorkgroups;
    limitDispatches(open, measured);
  }
});

test("while a step is held nothing is submitted, and what was submitted is done when the drain resolves", async () => {
  const { drain } = await openBackend({ prefer: "webgpu", wasmFolder });
  const { submit } = GPUQueue.prototype;
  let submissions = 0;
  GPUQueue.prototype.submit = function (buffers) {
    submissions++;
    submit.call(this, buffers);
  };
  try {
    await trainDelta(smallTask(), {
      async onStep({ step }) {
        if (step !== 13) return; // in the middle of ten that are in flight
        const before = submissions;
        expect(before).toBeGreaterThan(0);
        await drain();
        await new Promise((resolve) => setTimeout(resolve));
        expect(submissions).toBe(before);
      },
    });
  } finally {
    GPUQueue.prototype.submit = submit;
  }
});
