import type { Architecture } from "../../core/protocol/schemas/recipe.ts";
import { formatCount, formatLoss } from "./quantities.ts";

type Kind = Architecture["kind"];

/** What a model's accuracy is a share of, to follow the percentage; `examples` held-out ones were asked. */
export function describeAccuracy(kind: Kind, examples: number): string {
  return kind === "mlp"
    ? `right on ${formatCount(examples)} examples that nobody trains on`
    : `of the next letters foretold, in ${formatCount(examples)} texts that nobody trains on`;
}

/** What `formatModelLoss` counts in. */
export function lossUnit(kind: Kind): string {
  return kind === "mlp" ? "Loss" : "Bits per byte";
}

/** A loss as the model's field gives it: nats per image, bits per byte of text. */
export function formatModelLoss(kind: Kind, lossNats: number): string {
  return formatLoss(kind === "mlp" ? lossNats : lossNats / Math.LN2);
}
