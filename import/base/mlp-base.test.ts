/** A multilayer perceptron's folder, as an export writes it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeFloats } from "../../core/tensors/little-endian.ts";
import { encodeSafetensors } from "../../core/tensors/safetensors.ts";
import { openBase } from "./base.ts";

const SHAPES = {
  "layers.0.bias": [5],
  "layers.0.weight": [5, 4],
  "layers.1.bias": [3],
  "layers.1.weight": [3, 5],
};
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-mlp-"));
  const tensors = Object.entries(SHAPES).map(([name, shape]) => {
    const size = shape.reduce((product, each) => product * each, 1);
    return { name, dtype: "F32" as const, shape, bytes: encodeFloats(new Float32Array(size)) };
  });
  const bytes = encodeSafetensors({ tensors, metadata: {} });
  await writeFile(join(folder, "model.safetensors"), bytes);
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ["names its classes", { classes: ["a", "b", "c"] }, ["a", "b", "c"]],
  ["names other classes than it has outputs", { classes: ["a", "b"] }, null],
  ["names none", {}, null],
])("a perceptron whose config %s is taken at that word", async (_name, more, classes) => {
  const config = { model_type: "commonweight-mlp", ...more };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const base = await openBase(folder);
  expect(base.architecture).toEqual({ kind: "mlp", inputs: 4, hidden: [5], outputs: 3 });
  expect(base.classes).toEqual(classes);
});
