import { memory } from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { smallTask } from "../../tests/fixtures/training-task.ts";
import { expectClose } from "../../tests/reference/finite-differences.ts";
import { gptTask } from "../../tests/reference/gpt-task.ts";
import { windowsOf } from "../../tests/reference/transformer-model.ts";
import { gptAsTransformer } from "../models/gpt.ts";
import type { MlpArchitecture } from "../models/mlp.ts";
import { mlpForward, mlpLosses } from "../models/reference/mlp.ts";
import { splitFlat } from "../models/reference/tensors.ts";
import { transformerLogits } from "../models/reference/transformer.ts";
import { layoutOf } from "../models/registry.ts";
import { accuracy, evaluate } from "./evaluate.ts";
import { meanOf } from "./metrics.ts";

const architecture: MlpArchitecture = { kind: "mlp", inputs: 33, hidden: [45, 17], outputs: 7 };

beforeAll(async () => {
  await openBackend({ prefer: "cpu" });
});

test("losses and answers equal the f64 reference, over several batches and a rest", async () => {
  const { parameters, examples } = smallTask({}, architecture, 613);
  const before = memory().numTensors;
  const { losses, correct } = await evaluate({ architecture, parameters, examples });
  expect(memory().numTensors).toBe(before);

  const tensors = splitFlat(Float64Array.from(parameters), layoutOf(architecture));
  const inputs = Float64Array.from(examples.pixels, (pixel) => pixel / 255);
  expectClose(
    "losses",
    losses,
    mlpLosses(architecture, tensors, { inputs, targets: examples.labels }),
    1e-6,
  );
  const logits = mlpForward(architecture, tensors, inputs).at(-1)!;
  const answers = Float32Array.from(examples.labels, (label, image) => {
    const row = logits.subarray(image * 7, image * 7 + 7);
    return row.indexOf(Math.max(...row)) === label ? 1 : 0;
  });
  expect(correct).toEqual(answers);
  expect(accuracy(correct)).toBeCloseTo(answers.reduce((sum, one) => sum + one, 0) / 613, 12);
});

test("G9: a text's answers are its bytes, right where the likeliest is what follows", async () => {
  const { architecture, parameters, examples } = gptTask();
  const { context, vocabulary } = architecture;
  const { answers, correct } = await evaluate({ architecture, parameters, examples });
  const all = Uint32Array.from({ length: examples.count }, (_, i) => i);
  const { tokens, targets } = windowsOf(examples, all, context);
  const tensors = splitFlat(Float64Array.from(parameters), layoutOf(architecture));
  const logits = transformerLogits(gptAsTransformer(architecture), tensors, {
    batch: examples.count,
    tokens,
  });
  const expected = Uint8Array.from(targets, (target, at) => {
    const row = logits.subarray(at * vocabulary, (at + 1) * vocabulary);
    return row.indexOf(Math.max(...row)) === target ? 1 : 0;
  });
  expect(expected.some((right) => right === 1)).toBe(true);
  expect(answers).toEqual(expected);
  expect(accuracy(correct)).toBeCloseTo(meanOf(expected), 6);
});

test("an abort stops before the next batch", async () => {
  const { parameters, examples } = smallTask({}, architecture, 613);
  const abort = new AbortController();
  const run = evaluate({ architecture, parameters, examples }, { signal: abort.signal });
  abort.abort(new Error("enough"));
  await expect(run).rejects.toThrow("enough");
});
