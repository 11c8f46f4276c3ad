import { expect, test } from "vitest";
import {
  differences,
  expectClose,
  randomTokens,
  randomValues,
} from "../../../tests/reference/finite-differences.ts";
import { createLayout } from "../../tensors/layout.ts";
import { createMlp, type MlpArchitecture } from "../mlp.ts";
import { mlpForward, mlpGradient, mlpLosses } from "./mlp.ts";
import { joinFlat, splitFlat } from "./tensors.ts";

test.each([
  { inputs: 7, hidden: [5, 3], outputs: 4, batch: 6 },
  { inputs: 3, hidden: [9], outputs: 257, batch: 1 },
  { inputs: 1, hidden: [1], outputs: 2, batch: 2 },
])(
  "mlp $inputs → $hidden → $outputs, batch $batch: the gradient equals its finite differences",
  ({ batch, ...sizes }) => {
    const architecture = { kind: "mlp", ...sizes } as const;
    const layout = createLayout(createMlp(architecture).shapes);
    const flat = randomValues("parameters", layout.size);
    const task = {
      inputs: randomValues("inputs", batch * sizes.inputs),
      targets: randomTokens("targets", batch, sizes.outputs),
    };
    const tensors = splitFlat(flat, layout);
    const { losses, gradient } = mlpGradient(architecture, tensors, task);
    const mean = () => mlpLosses(architecture, tensors, task).reduce((a, b) => a + b / batch, 0);
    expect(losses).toEqual(mlpLosses(architecture, tensors, task));
    expectClose("gradient", joinFlat(gradient, layout), differences(flat, mean));
  },
);

test("hidden layers pass nothing below 0 on, the logits everything", () => {
  const architecture: MlpArchitecture = { kind: "mlp", inputs: 1, hidden: [2], outputs: 2 };
  const tensors = new Map([
    ["layers.0.weight", Float64Array.of(3, -3)],
    ["layers.0.bias", Float64Array.of(0, 0)],
    ["layers.1.weight", Float64Array.of(1, 5, -1, 5)], // [outputs, inputs]
    ["layers.1.bias", Float64Array.of(0, 0)],
  ]);
  const [, hidden, logits] = mlpForward(architecture, tensors, Float64Array.of(2));
  expect([...hidden!]).toEqual([6, 0]);
  expect([...logits!]).toEqual([6, -6]);
});
