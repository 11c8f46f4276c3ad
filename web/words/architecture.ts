import { gptAsTransformer } from "../../core/models/gpt.ts";
import type { ModelCard } from "../../core/protocol/schemas/status.ts";
import type { TransformerArchitecture } from "../../core/protocol/schemas/transformer.ts";
import { formatBytes, formatCount, formatShare, plural } from "./quantities.ts";

/** A line of the card: what is said, and of what. */
export type CardLine = { readonly label: string; readonly value: string };

const F32_BYTES = 4;

/** How a model is built, what it costs to hold and to ask, and what a piece of work on it is. */
export function describeArchitecture({ recipe, parameters }: ModelCard): CardLine[] {
  const { architecture, training, mask, merge } = recipe;
  const masked = formatCount(mask.density * parameters);
  return [
    ...(architecture.kind === "mlp"
      ? networkLines([architecture.inputs, ...architecture.hidden, architecture.outputs])
      : transformerLines(
          architecture.kind === "gpt" ? gptAsTransformer(architecture) : architecture,
        )),
    {
      label: "Size",
      value: `${formatCount(parameters)} parameters, ${formatBytes(parameters * F32_BYTES)} at four bytes each`,
    },
    {
      label: "A piece of work",
      value: `${plural(training.steps, "step")} of ${plural(training.batch, "example")}, on about ${masked} parameters (${formatShare(mask.density)})`,
    },
    {
      label: "A version",
      value: `${plural(merge.cohortSize, "patch", "patches")} or more, or those of ${formatCount(merge.cohortSeconds)} seconds. The more people train, the more patches it takes`,
    },
  ];
}

function networkLines(widths: readonly number[]): CardLine[] {
  return [
    { label: "Kind", value: "A classifier of linear layers, with ReLU in between" },
    { label: "Widths", value: widths.map(formatCount).join(" → ") },
    { label: "An answer takes", value: "about one multiplication a parameter" },
  ];
}

const LAYOUTS: Readonly<Record<TransformerArchitecture["layout"], string>> = {
  gpt2: "GPT-2's layout",
  llama: "Llama's layout",
  vit: "a vision transformer's layout",
};

function transformerLines({
  layout,
  layers,
  channels,
  attention: { heads, keyValueHeads },
  feedForward,
  input,
}: TransformerArchitecture): CardLine[] {
  const shared =
    keyValueHeads < heads ? ` on ${formatCount(keyValueHeads)} of keys and values` : "";
  return [
    { label: "Kind", value: `A transformer in ${LAYOUTS[layout]}` },
    {
      label: "Widths",
      value: `${plural(layers, "layer")} of ${plural(channels, "channel")}, ${plural(heads, "head")}${shared}, ${formatCount(feedForward.channels)} channels in between`,
    },
    input.kind === "tokens"
      ? {
          label: "Reads",
          value: `up to ${plural(input.context, "token")} out of ${formatCount(input.vocabulary)}`,
        }
      : {
          label: "Reads",
          value: `images of ${input.width} × ${input.height} pixels, in squares of ${input.patch}`,
        },
    {
      label: "An answer takes",
      value: `about one multiplication a parameter for each ${input.kind === "tokens" ? "token" : "square"}, and what attention adds`,
    },
  ];
}
