import { FormatError } from "../errors.ts";
import type { Architecture } from "../protocol/schemas/recipe.ts";
import type { TransformerArchitecture } from "../protocol/schemas/transformer.ts";

export type GptArchitecture = Extract<Architecture, { kind: "gpt" }>;

/**
 * A recipe of kind "gpt" as the transformer that it is: GPT-2 with learned positions, tanh GELU and tied embeddings. Source:
 * Radford et al. 2019. Throws a FormatError where the heads do not divide the channels.
 */
export function gptAsTransformer({
  vocabulary,
  context,
  layers,
  channels,
  heads,
}: GptArchitecture): TransformerArchitecture {
  if (channels % heads !== 0) {
    throw new FormatError(`recipe: ${heads} heads do not divide ${channels} channels`);
  }
  return {
    kind: "transformer",
    layout: "gpt2",
    input: { kind: "tokens", vocabulary, context, window: context },
    layers,
    channels,
    norm: { kind: "layer", epsilon: 1e-5 },
    positions: { kind: "learned" },
    attention: {
      heads,
      keyValueHeads: heads,
      headChannels: channels / heads,
      causal: true,
      inputBias: true,
      outputBias: true,
      queryKeyNorm: false,
    },
    feedForward: { kind: "gelu-tanh", channels: 4 * channels, bias: true },
    head: { kind: "tokens", tied: true },
  };
}
