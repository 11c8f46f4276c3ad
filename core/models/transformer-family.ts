import type { TransformerArchitecture } from "../protocol/schemas/transformer.ts";

/** A class of models that other tools know by name. */
export type TransformerFamily = "gpt2" | "llama" | "qwen2" | "qwen3" | "vit";

/** The family that has exactly the parts of `architecture`, as transformers builds it; null where there is none. */
export function familyOf(architecture: TransformerArchitecture): TransformerFamily | null {
  const { layout, norm, attention, feedForward, head } = architecture;
  const { inputBias, outputBias, queryKeyNorm } = attention;
  switch (layout) {
    case "gpt2":
      return inputBias && outputBias && feedForward.bias ? "gpt2" : null;
    case "vit": {
      const hasClassToken = head.kind === "classes" && head.pooling === "class-token";
      return outputBias && feedForward.bias && hasClassToken && !attention.causal ? "vit" : null;
    }
    case "llama": {
      if (norm.kind !== "rms" || feedForward.kind !== "swiglu") return null;
      if (inputBias === outputBias && !queryKeyNorm) return "llama";
      if (feedForward.bias) return null;
      if (queryKeyNorm) return inputBias === outputBias ? "qwen3" : null;
      return inputBias ? "qwen2" : null;
    }
  }
}

/** The architecture of llama.cpp's that computes what `architecture` does; null where it has none. */
export function llamaCppFamily(
  architecture: TransformerArchitecture,
): Exclude<TransformerFamily, "vit"> | null {
  const family = familyOf(architecture);
  const { channels, attention, feedForward, positions } = architecture;
  const { heads, headChannels, inputBias } = attention;
  const isLlama3 = positions.kind === "rotary" && positions.scaling?.kind === "llama3";
  switch (family) {
    case "gpt2":
      return feedForward.kind === "gelu-tanh" ? family : null; // its GELU is the one by tanh
    case "llama":
      return family;
    case "qwen2":
      return heads * headChannels === channels && !isLlama3 ? family : null;
    case "qwen3":
      return !inputBias && !isLlama3 ? family : null;
    default:
      return null;
  }
}
