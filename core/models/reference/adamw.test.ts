import { expect, test } from "vitest";
import { expectClose } from "../../../tests/reference/finite-differences.ts";
import { startAdamW, stepAdamW } from "./adamw.ts";

const rule = { learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

test("the first step moves every masked value by the learning rate, whatever its gradient's size", () => {
  const state = stepAdamW(startAdamW(3), new Float64Array(3), Float64Array.of(5, -1e-3, 0), rule);
  expectClose("delta", state.delta, [-0.01, 0.01, 0], 2e-5); // ε is 1e-5 of the second
  expect(state.steps).toBe(1);
});

test("three steps equal those worked out by hand", () => {
  let state = startAdamW(1);
  for (const g of [1, 2, -1])
    state = stepAdamW(state, Float64Array.of(0), Float64Array.of(g), rule);
  const mean = (0.1 * (0.81 * 1 + 0.9 * 2 - 1)) / (1 - 0.9 ** 3);
  const square = (0.001 * (0.999 ** 2 * 1 + 0.999 * 4 + 1)) / (1 - 0.999 ** 3);
  const second = 0.1 * (0.9 * 1 + 2);
  const secondSquare = 0.001 * (0.999 * 1 + 4);
  const steps =
    1 + second / 0.19 / Math.sqrt(secondSquare / (1 - 0.999 ** 2)) + mean / Math.sqrt(square);
  expectClose("delta", state.delta, [-0.01 * steps], 1e-8);
});

test("decay pulls base + delta towards 0, not the delta", () => {
  const decaying = { ...rule, weightDecay: 0.1 };
  const base = Float64Array.of(2, -4);
  let state = startAdamW(2);
  for (let i = 0; i < 3; i++) state = stepAdamW(state, base, new Float64Array(2), decaying);
  const kept = (1 - 0.01 * 0.1) ** 3;
  expectClose("delta", state.delta, [2 * (kept - 1), -4 * (kept - 1)], 1e-12);
});
