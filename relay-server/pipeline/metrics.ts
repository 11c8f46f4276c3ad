import type { Metrics } from "../../core/protocol/schemas/version.ts";

/** How good a model is, from what it did on each example: losses in nats, and the share it got right. */
export function metricsOf({
  losses,
  correct,
}: {
  readonly losses: Float32Array;
  readonly correct: Float32Array;
}): Metrics {
  const mean = (values: Float32Array) => {
    let sum = 0;
    for (const value of values) sum += value;
    return sum / values.length;
  };
  return { examples: losses.length, lossNats: mean(losses), accuracy: mean(correct) };
}
