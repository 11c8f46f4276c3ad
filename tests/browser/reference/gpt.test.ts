import { beforeAll, expect, test } from "vitest";
import { openBackend } from "../../../kernels/backend.ts";
import { compareGpt, GPT_CASES } from "../../reference/gpt-model.ts";
import { compareGptOperations } from "../../reference/gpt-operations.ts";

const wasmFolder = "/node_modules/@tensorflow/tfjs-backend-wasm/dist/";

beforeAll(async () => {
  const { name } = await openBackend({ prefer: "webgpu", wasmFolder });
  expect(name).toBe("webgpu");
});

test(
  "on WebGPU every operation of the GPT equals its f64 reference at odd sizes",
  compareGptOperations,
);

test.each(GPT_CASES)(
  "on WebGPU the GPT's losses, masked gradients and scores equal the f64 reference: $what",
  compareGpt,
);
