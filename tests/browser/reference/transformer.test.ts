import { memory } from "@tensorflow/tfjs-core";
import { beforeEach, expect, test } from "vitest";
import { isSameWork } from "../../../core/gate/spot-check.ts";
import { trainDelta } from "../../../core/training/train.ts";
import { openBackend } from "../../../kernels/backend.ts";
import { cosine, similarityOf } from "../../fixtures/training-task.ts";
import { gptTask } from "../../reference/gpt-task.ts";
import { compareTransformer, TRANSFORMER_CASES } from "../../reference/transformer-model.ts";
import { compareTransformerOperations } from "../../reference/transformer-operations.ts";

beforeEach(async () => {
  const { name } = await openBackend({ prefer: "webgpu" });
  expect(name).toBe("webgpu");
});

test(
  "on WebGPU every operation of a transformer's parts equals its f64 reference at odd sizes",
  compareTransformerOperations,
);

test.each(TRANSFORMER_CASES)(
  "on WebGPU a transformer's losses, masked gradients and scores equal the f64 reference: $what",
  compareTransformer,
);

test("the same ticket of the GPT gives the same bytes twice and leaves no tensor behind", async () => {
  const before = memory().numTensors;
  const first = await trainDelta(gptTask());
  expect(await trainDelta(gptTask())).toEqual(first);
  expect(memory().numTensors).toBe(before);
});

test("WebGPU and the CPU train the same delta of the GPT: cosine at least 0.999", async () => {
  const onGpu = await trainDelta(gptTask());
  const { name } = await openBackend({ prefer: "cpu" });
  expect(name).toBe("wasm");
  const onCpu = await trainDelta(gptTask());
  expect(cosine(onGpu.delta, onCpu.delta)).toBeGreaterThanOrEqual(0.999);
  const comparison = similarityOf(gptTask(), onGpu.delta, onCpu.delta);
  expect(comparison.cosine).toBeGreaterThanOrEqual(0.999); // G19: a relay compares them quantised
  expect(isSameWork(comparison)).toBe(true);
  expect(onGpu.lossAfter).toBeCloseTo(onCpu.lossAfter, 4);
});
