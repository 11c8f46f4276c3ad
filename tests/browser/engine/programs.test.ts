import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { backend } from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isSameWork } from "../../../core/gate/spot-check.ts";
import { trainDelta } from "../../../core/training/train.ts";
import { openBackend } from "../../../kernels/backend.ts";
import { checkDevice } from "../../../kernels/self-check.ts";
import {
  isOnSoftware,
  isSoftwareAdapter,
  setOnSoftware,
} from "../../../kernels/webgpu/software.ts";
import { similarityOf } from "../../fixtures/training-task.ts";
import { compareSquaredGradient } from "../../reference/fisher.ts";
import { gptTask } from "../../reference/gpt-task.ts";
import { compareProducts } from "../../reference/products.ts";
import { compareTransformer, TRANSFORMER_CASES } from "../../reference/transformer-model.ts";

const open = () => backend() as WebGPUBackend;

beforeEach(async () => {
  expect((await openBackend({ prefer: "webgpu" })).name).toBe("webgpu");
});
afterEach(() => setOnSoftware(open(), true)); // what SwiftShader is

test("an adapter in software takes its own programs, and no other does", () => {
  expect(isOnSoftware(open())).toBe(true);
  const described = (architecture: string, isFallbackAdapter?: boolean) =>
    isSoftwareAdapter({ architecture, isFallbackAdapter } as GPUAdapterInfo); // absent in older browsers
  expect(described("swiftshader")).toBe(true);
  expect(described("warp", true)).toBe(true);
  expect(described("hopper", false)).toBe(false);
});

describe.each([
  { programs: "a GPU's", isSoftware: false },
  { programs: "a software adapter's", isSoftware: true },
])("with $programs programs", ({ isSoftware }) => {
  beforeEach(() => setOnSoftware(open(), isSoftware));

  test("products of 1 to 70 rows, columns and depth equal the f64 reference", compareProducts);
  test("squared gradients equal the f64 reference at odd sizes", compareSquaredGradient);
  test.each(TRANSFORMER_CASES)("a transformer equals the f64 reference: $what", compareTransformer);
  test("the self-check passes", async () => {
    expect(await checkDevice()).toEqual({ ok: true });
  });
  test("the same task gives the same bytes", async () => {
    const first = await trainDelta(gptTask());
    expect(await trainDelta(gptTask())).toEqual(first);
  });
});

test("a GPU's and a software adapter's programs train what a relay takes for the same work", async () => {
  const deltas: Float32Array[] = [];
  for (const isSoftware of [false, true]) {
    setOnSoftware(open(), isSoftware);
    deltas.push((await trainDelta(gptTask())).delta);
  }
  const comparison = similarityOf(gptTask(), deltas[0]!, deltas[1]!);
  expect(comparison.cosine).toBeGreaterThanOrEqual(0.999);
  expect(isSameWork(comparison)).toBe(true);
});
