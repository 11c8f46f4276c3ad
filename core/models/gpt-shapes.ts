import type { Architecture } from "../protocol/schemas/recipe.ts";
import type { TensorShape } from "../tensors/layout.ts";

export type GptArchitecture = Extract<Architecture, { kind: "gpt" }>;

/**
 * The tensors of a GPT-2 with Hugging Face's names and orientations: embeddings [vocabulary, C] and
 * [context, C], the former tied to the output layer and so stored once; Conv1D weights [inputs, outputs].
 */
export function gptShapes({
  vocabulary: V,
  context: T,
  layers,
  channels: C,
}: GptArchitecture): TensorShape[] {
  const shapes: TensorShape[] = [
    { name: "wte.weight", shape: [V, C] },
    { name: "wpe.weight", shape: [T, C] },
    ...withBias("ln_f", [C], C),
  ];
  for (let layer = 0; layer < layers; layer++) {
    shapes.push(
      ...withBias(`h.${layer}.ln_1`, [C], C),
      ...withBias(`h.${layer}.attn.c_attn`, [C, 3 * C], 3 * C),
      ...withBias(`h.${layer}.attn.c_proj`, [C, C], C),
      ...withBias(`h.${layer}.ln_2`, [C], C),
      ...withBias(`h.${layer}.mlp.c_fc`, [C, 4 * C], 4 * C),
      ...withBias(`h.${layer}.mlp.c_proj`, [4 * C, C], C),
    );
  }
  return shapes;
}

function withBias(name: string, weight: number[], bias: number): TensorShape[] {
  return [
    { name: `${name}.weight`, shape: weight },
    { name: `${name}.bias`, shape: [bias] },
  ];
}
