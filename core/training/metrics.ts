import type { Metrics } from "../protocol/schemas/version.ts";
import type { Evaluation } from "./evaluate.ts";

/** How good a model is, from what it did on each example: mean loss in nats, and the share it got right. */
export function metricsOf({ losses, correct }: Omit<Evaluation, "answers">): Metrics {
  return { examples: losses.length, lossNats: meanOf(losses), accuracy: meanOf(correct) };
}

/** The mean of `values` [n], summed in their order. */
export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}
