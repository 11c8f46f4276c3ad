import { beforeAll, describe, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { openCpu } from "../../kernels/cpu/backend.ts";
import { similarityOf, smallTask } from "../../tests/fixtures/training-task.ts";
import { WASM_FOLDER } from "../../tests/fixtures/wasm-folder.ts";
import { gptTask } from "../../tests/reference/gpt-task.ts";
import { type TrainingTask, trainDelta } from "../training/train.ts";
import { isSameWork, needsSpotCheck } from "./spot-check.ts";

const TASKS: [string, TrainingTask][] = [
  ["an MLP", smallTask({ steps: 50 })],
  ["a GPT", gptTask()],
];

describe.each(TASKS)("G19: %s", (_, task) => {
  let again: Float32Array;
  const compare = (delta: Float32Array) => similarityOf(task, delta, again);
  const withSteps = (steps: number) =>
    trainDelta({ ...task, training: { ...task.training, steps } });

  beforeAll(async () => {
    await openBackend({ prefer: "cpu", wasmFolder: WASM_FOLDER });
    again = (await trainDelta(task)).delta;
  });

  test("trained on wasm and in plain TypeScript is the same work", async () => {
    await openCpu();
    const { delta } = await trainDelta(task);
    await openBackend({ prefer: "cpu", wasmFolder: WASM_FOLDER });
    expect(compare(delta).cosine).toBeGreaterThan(0.9995);
    expect(isSameWork(compare(delta))).toBe(true);
  });

  test("half of the steps is noticed, whether doubled, drawn out to the full length or as it is", async () => {
    const { delta } = await withSteps(task.training.steps / 2);
    expect(isSameWork(compare(delta))).toBe(false);
    expect(isSameWork(compare(delta.map((value) => 2 * value)))).toBe(false);
    const { normRatio } = compare(delta);
    const drawnOut = compare(delta.map((value) => value / normRatio));
    expect(drawnOut.normRatio).toBeCloseTo(1, 2);
    expect(isSameWork(drawnOut)).toBe(false);
  });

  test("another order of the examples is noticed", async () => {
    const { delta } = await trainDelta({ ...task, seed: task.seed + 1 });
    expect(isSameWork(compare(delta))).toBe(false);
  });

  test("nothing is never the same work", () => {
    const nothing = new Float32Array(again.length);
    expect(isSameWork(similarityOf(task, nothing, again))).toBe(false);
    expect(isSameWork(similarityOf(task, again, nothing))).toBe(false);
    expect(isSameWork(similarityOf(task, nothing, nothing))).toBe(false);
    expect(isSameWork({ cosine: Number.NaN, normRatio: Number.NaN })).toBe(false);
  });
});

test("G19: a share of the work is checked, and all of who failed a check before; none where the recipe has no checks", () => {
  const share = { spotCheckShare: 0.2 };
  expect(needsSpotCheck({ hasFailed: false }, share, 0.19)).toBe(true);
  expect(needsSpotCheck({ hasFailed: false }, share, 0.2)).toBe(false);
  expect(needsSpotCheck({ hasFailed: true }, share, 0.99)).toBe(true);
  expect(needsSpotCheck({ hasFailed: true }, { spotCheckShare: 0 }, 0)).toBe(false);
});
