import { expect, test } from "vitest";
import { layoutOf } from "../../../core/models/registry.ts";
import { createRandom } from "../../../core/random.ts";
import { type TrainingTask, trainDelta } from "../../../core/training/train.ts";
import { openBackend } from "../../../kernels/backend.ts";

const WASM_FOLDER = "/node_modules/@tensorflow/tfjs-backend-wasm/dist/";

test("WebGPU and the CPU train the same delta: cosine at least 0.999", async () => {
  const task = smallTask();
  const gpu = await openBackend({ prefer: "webgpu", wasmFolder: WASM_FOLDER });
  expect(gpu.name).toBe("webgpu");
  const onGpu = await trainDelta(task);
  const again = await trainDelta(task);
  const cpu = await openBackend({ prefer: "cpu", wasmFolder: WASM_FOLDER });
  expect(cpu.name).toBe("wasm");
  const onCpu = await trainDelta(task);
  expect(again.delta, "same task, same device, same bytes").toEqual(onGpu.delta);
  expect(cosine(onGpu.delta, onCpu.delta)).toBeGreaterThanOrEqual(0.999);
  expect(onGpu.lossAfter).toBeCloseTo(onCpu.lossAfter, 4);
});

/** 40 images of 33 pixels: sizes that are no multiple of any tile. */
function smallTask(): TrainingTask {
  const architecture = { kind: "mlp", inputs: 33, hidden: [45, 17], outputs: 7 } as const;
  const random = createRandom(1);
  const { size } = layoutOf(architecture);
  return {
    architecture,
    parameters: Float32Array.from({ length: size }, () => (random.below(2001) - 1000) / 4000),
    positions: Uint32Array.from({ length: Math.floor(size / 3) }, (_, entry) => entry * 3),
    examples: {
      kind: "images",
      count: 40,
      pixels: Uint8Array.from({ length: 40 * 33 }, () => random.below(256)),
      labels: Uint8Array.from({ length: 40 }, () => random.below(7)),
    },
    training: { steps: 30, batch: 19, learningRate: 0.003 },
    seed: 5,
  };
}

function cosine(a: Float32Array, b: Float32Array): number {
  let dot = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let j = 0; j < a.length; j++) {
    dot += a[j]! * b[j]!;
    squaresA += a[j]! ** 2;
    squaresB += b[j]! ** 2;
  }
  return dot / Math.sqrt(squaresA * squaresB);
}
