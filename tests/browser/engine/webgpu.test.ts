import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { backend, memory } from "@tensorflow/tfjs-core";
import { beforeEach, expect, test } from "vitest";
import { isSameWork } from "../../../core/gate/spot-check.ts";
import { accuracy, evaluate } from "../../../core/training/evaluate.ts";
import { type TrainingSnapshot, trainDelta } from "../../../core/training/train.ts";
import { openBackend } from "../../../kernels/backend.ts";
import { checkDevice } from "../../../kernels/self-check.ts";
import { cosine, similarityOf, smallTask } from "../../fixtures/training-task.ts";

beforeEach(async () => {
  const { name, device } = await openBackend({ prefer: "webgpu" });
  expect(name).toBe("webgpu");
  expect(device).toMatch(/swiftshader/i);
});

test("every operation agrees with the plain bodies", async () => {
  expect(await checkDevice()).toEqual({ ok: true });
});

test("the same task gives the same bytes", async () => {
  const first = await trainDelta(smallTask());
  expect(await trainDelta(smallTask())).toEqual(first);
});

test("WebGPU and the CPU train the same delta: cosine at least 0.999", async () => {
  const task = smallTask();
  const onGpu = await trainDelta(task);
  const scoredOnGpu = await evaluate(task);
  const { name } = await openBackend({ prefer: "cpu" });
  expect(name).toBe("wasm");
  const onCpu = await trainDelta(task);
  const scoredOnCpu = await evaluate(task);
  expect(cosine(onGpu.delta, onCpu.delta)).toBeGreaterThanOrEqual(0.999);
  const comparison = similarityOf(task, onGpu.delta, onCpu.delta);
  expect(comparison.cosine).toBeGreaterThanOrEqual(0.999); // G19: a relay compares them quantised
  expect(isSameWork(comparison)).toBe(true);
  expect(onGpu.lossAfter).toBeCloseTo(onCpu.lossAfter, 4);
  expect(accuracy(scoredOnGpu.correct)).toBe(accuracy(scoredOnCpu.correct));
});

test("the number of tensors stays level over 1,000 steps, and none is left behind", async () => {
  const before = memory().numTensors;
  const counts = new Set<number>();
  await trainDelta(smallTask({ steps: 1_000 }), {
    onStep: ({ step }) => {
      if (step % 10 !== 0) counts.add(memory().numTensors);
    },
  });
  expect(counts.size).toBe(1);
  expect(memory().numTensors).toBe(before);
});

test("a lost device is an error named DeviceLostError, and opening again goes on", async () => {
  const lost = trainDelta(smallTask(), {
    onStep: ({ step }) => {
      if (step === 5) (backend() as WebGPUBackend).device.destroy();
    },
  });
  await expect(lost).rejects.toMatchObject({ name: "DeviceLostError" });
  await openBackend({ prefer: "webgpu" });
  expect((await trainDelta(smallTask())).delta.length).toBe(smallTask().positions.length);
});

test("a training whose device is lost goes on from its snapshot on another, to the same bytes", async () => {
  const whole = await trainDelta(smallTask());
  let from: TrainingSnapshot | null = null;
  let clock = 0;
  const lost = trainDelta(smallTask(), {
    now: () => (clock += 1_000), // so slow that snapshots are due
    onSnapshot: (snapshot) => {
      from = snapshot;
    },
    onStep: ({ step }) => {
      if (step === 20) (backend() as WebGPUBackend).device.destroy();
    },
  });
  await expect(lost).rejects.toMatchObject({ name: "DeviceLostError" });
  await openBackend({ prefer: "webgpu" });
  const steps: number[] = [];
  const onStep = ({ step }: { step: number }) => void steps.push(step);
  expect(await trainDelta(smallTask(), { from, onStep })).toEqual(whole);
  expect(steps[0]).toBeGreaterThan(10);
});
