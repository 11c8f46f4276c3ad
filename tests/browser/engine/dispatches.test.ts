import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { backend, tensor } from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import type { GptArchitecture } from "../../../core/models/gpt.ts";
import { linear } from "../../../core/models/operations.ts";
import { layoutOf } from "../../../core/models/registry.ts";
import { randomPositions } from "../../../core/patch/random-mask.ts";
import { createRandom } from "../../../core/random.ts";
import { estimateFisher } from "../../../core/training/fisher.ts";
import { trainDelta } from "../../../core/training/train.ts";
import { openBackend } from "../../../kernels/backend.ts";
import { limitDispatches, mostMultiplyAdds } from "../../../kernels/webgpu/dispatch-limit.ts";
import { setOnSoftware } from "../../../kernels/webgpu/software.ts";
import { smallTask } from "../../fixtures/training-task.ts";
import { gptTask } from "../../reference/gpt-task.ts";
import { randomText } from "../../reference/transformer-model.ts";

test.each([
  { programs: "a GPU's", isSoftware: false },
  { programs: "a software adapter's", isSoftware: true },
])(
  "a slow device's products are split to about 50 ms a dispatch, and the bytes stay the same: $programs programs",
  async ({ isSoftware }) => {
    await openBackend({ prefer: "webgpu" });
    const open = backend() as WebGPUBackend;
    setOnSoftware(open, isSoftware);
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
    try {
      limitDispatches(open, 4 * 32 * 32 * depth);
      const dispatched = await groupsOf(async () => expect(await product()).toEqual(whole));
      expect(dispatched).toEqual([4, 4, 4, 4, 4, 4, 4, 2]);
      limitDispatches(open, 1); // a single tile is the least
      expect(await groupsOf(async () => expect(await product()).toEqual(whole))).toHaveLength(30);
    } finally {
      limitDispatches(open, measured);
      setOnSoftware(open, true); // what SwiftShader is
    }
  },
);

/** The workgroups of every dispatch that `run` makes. */
async function groupsOf(run: () => Promise<unknown>): Promise<number[]> {
  const { dispatchWorkgroups } = GPUComputePassEncoder.prototype;
  const dispatched: number[] = [];
  GPUComputePassEncoder.prototype.dispatchWorkgroups = function (groups, ...others) {
    dispatched.push(groups);
    return dispatchWorkgroups.call(this, groups, ...others);
  };
  try {
    await run();
    return dispatched;
  } finally {
    GPUComputePassEncoder.prototype.dispatchWorkgroups = dispatchWorkgroups;
  }
}

test("attention, sampled and squared gradients are split too, and training and Fisher keep their bytes", async () => {
  await openBackend({ prefer: "webgpu" });
  const open = backend() as WebGPUBackend;
  const measured = mostMultiplyAdds(open);
  const task = { ...gptTask(), training: { steps: 2, batch: 9, learningRate: 0.005 } };
  const wholes = [await trainDelta(task), await estimateFisher(task)];
  const whole = await groupsOf(() => trainDelta(task));
  try {
    limitDispatches(open, 1); // a single group is the least
    expect([await trainDelta(task), await estimateFisher(task)]).toEqual(wholes);
    const split = await groupsOf(() => trainDelta(task));
    expect(split.length).toBeGreaterThan(2 * whole.length);
  } finally {
    limitDispatches(open, measured);
  }
});

test("a step of a GPT of 2 layers of 128 channels, 64 tokens and batch 8 takes 79 dispatches at most", async () => {
  await openBackend({ prefer: "webgpu" });
  const open = backend() as WebGPUBackend;
  const measured = mostMultiplyAdds(open);
  const architecture: GptArchitecture = {
    kind: "gpt",
    vocabulary: 256,
    context: 64,
    layers: 2,
    channels: 128,
    heads: 4,
  };
  const { size } = layoutOf(architecture);
  const task = {
    architecture,
    parameters: new Float32Array(size).fill(0.01),
    positions: randomPositions("01".repeat(16), Math.floor(size * 0.005), size),
    examples: randomText({ vocabulary: 256, window: 64 }, 8, 1),
    training: { steps: 1, batch: 8, learningRate: 0.005 },
    seed: 1,
  };
  try {
    limitDispatches(open, Number.POSITIVE_INFINITY); // what a fast device takes
    expect((await groupsOf(() => trainDelta(task))).length).toBeLessThanOrEqual(79);
  } finally {
    limitDispatches(open, measured);
  }
});

test("while a step is held nothing is submitted, and what was submitted is done when the drain resolves", async () => {
  const { drain } = await openBackend({ prefer: "webgpu" });
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
