import { afterEach, beforeAll, expect, test } from "vitest";
import { modelOf } from "../core/models/registry.ts";
import { GPT2_SMALL, SMOLLM2_135M } from "../tests/fixtures/known-transformers.ts";
import { spoilProducts } from "../tests/fixtures/wrong-device.ts";
import { openBackend } from "./backend.ts";
import { canarySizes, createCanary } from "./canary.ts";

let mend = () => {};
beforeAll(() => openBackend({ prefer: "cpu" }));
afterEach(() => mend());

test("a canary has the sizes of the model's largest matrix but the embedding", () => {
  expect(canarySizes(modelOf(GPT2_SMALL).shapes)).toEqual({ inputs: 3072, outputs: 768 });
  expect(canarySizes(modelOf(SMOLLM2_135M).shapes)).toEqual({ inputs: 576, outputs: 1536 });
  expect(canarySizes([{ shape: [50257, 768] }, { shape: [9] }])).toEqual({
    inputs: 64,
    outputs: 64,
  });
});

test.each([1, 2, 3])("a device that computes right passes every time, seed %i", async (seed) => {
  const canary = createCanary({ inputs: 203, outputs: 157 }, seed);
  await canary.check();
  await canary.check();
});

test.each([
  ["one value is another", (values: Float32Array) => values.fill(1e4, 1234, 1235)],
  ["one value is not a number", (values: Float32Array) => values.fill(Number.NaN, 0, 1)],
  ["one value is its neighbour's", (values: Float32Array) => values.copyWithin(5, 6, 7)],
  ["all are zero", (values: Float32Array) => values.fill(0)],
])("a device is found out where %s", async (_, spoil) => {
  const canary = createCanary({ inputs: 203, outputs: 157 }, 1);
  await canary.check();
  mend = spoilProducts(spoil);
  await expect(canary.check()).rejects.toMatchObject({
    name: "DeviceWrongError",
    message: expect.stringMatching(/^row \d+ of a product of 203 by 157 sums to .*, not /),
  });
});
