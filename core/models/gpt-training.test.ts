import { memory } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { openCpu } from "../../kernels/cpu/backend.ts";
import { cosine } from "../../tests/fixtures/training-task.ts";
import { gptTask, trainGptReference } from "../../tests/reference/gpt-task.ts";
import { trainDelta } from "../training/train.ts";

describe.each([
  ["javascript", openCpu],
  ["wasm", () => openBackend({ prefer: "cpu" })],
])("a ticket of the GPT on %s", (_, open) => {
  beforeAll(async () => {
    await open();
  });

  test("gives the f64 reference's delta: cosine at least 0.999", async () => {
    const task = gptTask();
    const { delta, lossBefore, lossAfter } = await trainDelta(task);
    expect(cosine(delta, Float32Array.from(trainGptReference(task)))).toBeGreaterThanOrEqual(0.999);
    expect(lossAfter).toBeLessThan(lossBefore - 0.1);
  });

  test("gives the same bytes twice and leaves no tensor behind", async () => {
    const before = memory().numTensors;
    const first = await trainDelta(gptTask());
    expect(await trainDelta(gptTask())).toEqual(first);
    expect(memory().numTensors).toBe(before);
  });
});
