import { memory } from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { digits } from "../../models/digits/data.ts";
import { readMnist } from "../../models/digits/idx.ts";
import { smallTask } from "../../tests/fixtures/training-task.ts";
import { expectClose } from "../../tests/reference/finite-differences.ts";
import { decodeCheckpointFile } from "../tensors/checkpoint-file.ts";
import { predictClasses } from "./class-prediction.ts";
import type { MlpArchitecture } from "./mlp.ts";
import { mlpForward } from "./reference/mlp.ts";
import { splitFlat } from "./reference/tensors.ts";
import { layoutOf } from "./registry.ts";

beforeAll(async () => {
  await openBackend({ prefer: "cpu" });
});

test("the probabilities are the softmax of the reference's logits, sum to 1, and leave no tensors", async () => {
  const architecture: MlpArchitecture = { kind: "mlp", inputs: 33, hidden: [45, 17], outputs: 7 };
  const { parameters, examples } = smallTask({}, architecture, 1);
  const { pixels } = examples;
  const before = memory().numTensors;
  const probabilities = await predictClasses({ architecture, parameters, pixels });
  expect(memory().numTensors).toBe(before);

  const tensors = splitFlat(Float64Array.from(parameters), layoutOf(architecture));
  const inputs = Float64Array.from(pixels, (pixel) => pixel / 255);
  const powers = mlpForward(architecture, tensors, inputs).at(-1)!.map(Math.exp);
  const sum = powers.reduce((a, b) => a + b);
  expectClose(
    "probabilities",
    probabilities,
    powers.map((power) => power / sum),
    1e-6,
  );
  expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
});

test("the base of digits reads most of MNIST's first training images", async () => {
  const { architecture } = digits.recipe;
  if (architecture.kind !== "mlp") throw new Error("digits is an MLP");
  const parameters = decodeCheckpointFile("base", await digits.base(), layoutOf(architecture));
  const { pixels, labels } = await readMnist("train");
  let right = 0;
  for (let image = 0; image < 20; image++) {
    const probabilities = await predictClasses({
      architecture,
      parameters,
      pixels: pixels.subarray(image * 784, image * 784 + 784),
    });
    if (probabilities.indexOf(Math.max(...probabilities)) === labels[image]) right++;
  }
  expect(right).toBeGreaterThanOrEqual(15); // the base is right on six of seven
});
