import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { formatCount, formatLoss } from "./quantities.ts";

/** What a model is asked for on held-out examples, again and again. */
export type Asked = "class" | "byte" | "token";

/** What a model of `recipe` foretells. */
export function askedOf({ architecture, data }: Pick<Recipe, "architecture" | "data">): Asked {
  const isImage = architecture.kind === "transformer" && architecture.input.kind === "image";
  if (architecture.kind === "mlp" || isImage) return "class";
  return data.tokenizer === undefined ? "byte" : "token";
}

/** What a model's accuracy is a share of, to follow the percentage; `examples` held-out ones were asked. */
export function describeAccuracy(asked: Asked, examples: number): string {
  const parts = asked === "byte" ? "letters" : "pieces of words";
  return asked === "class"
    ? `right on ${formatCount(examples)} examples that nobody trains on`
    : `of the next ${parts} foretold, in ${formatCount(examples)} texts that nobody trains on`;
}

/** What `formatModelLoss` counts in. */
export function lossUnit(asked: Asked): string {
  return asked === "class" ? "Loss" : `Bits per ${asked}`;
}

/** A loss as the model's field gives it: nats per image, bits per byte or token of text. */
export function formatModelLoss(asked: Asked, lossNats: number): string {
  return formatLoss(asked === "class" ? lossNats : lossNats / Math.LN2);
}
