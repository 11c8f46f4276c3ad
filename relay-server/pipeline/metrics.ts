import type { Metrics } from "../../core/protocol/schemas/version.ts";

/** How good a model is, from what it did on each example: losses in nats, and 1 where it was right. */
export function metricsOf({
  losses,
  correct,
}: {
  readonly losses: Float32Array;
  readonly correct: Uint8Array;
}): Metrics {
  const mean = (values: Float32Array | Uint8Array) => {
    let sum = 0;
    for (const value of values) sum += value;
    return sum / values.length;
  };
  return { examples: losses.length, lossNats: mean(losses), accuracy: mean(correct) };
}
