import type { TransformerArchitecture } from "../protocol/schemas/transformer.ts";
import type { TensorShape } from "../tensors/layout.ts";
import type { Orientation } from "./operations.ts";

// C channels, V vocabulary, T times, D channels of a head, F channels of the feed-forward part

/** What transformers' checkpoints call a block's parts; NAME.weight and, where a part has one, NAME.bias. */
export type BlockNames = {
  readonly norm1: string;
  /** Queries, keys and values: one matrix of all three, side by side, or three. */
  readonly attention: string | readonly [query: string, key: string, value: string];
  /** Norms of each head's query and key. */
  readonly headNorms: readonly [query: string, key: string];
  readonly attentionOutput: string;
  readonly norm2: string;
  /** Of a gated feed-forward part alone. */
  readonly gate: string;
  readonly up: string;
  readonly down: string;
};

/** The names of a layout, and which way its matrices lie. */
export type TensorNames = {
  readonly orientation: Orientation;
  /** The embedding of tokens, or of patches. */
  readonly embedding: string;
  /** A tensor's whole name: no ".weight" behind it in ViT. */
  readonly positions: string;
  readonly classToken: string;
  /** Begins the names of block `layer`'s tensors. */
  readonly block: (layer: number) => string;
  readonly parts: BlockNames;
  readonly lastNorm: string;
  readonly head: string;
};

const NO_TENSOR = "none"; // no checkpoint of the layout has the part, and the recipe's schema refuses it

/** Names as transformers' GPT2LMHeadModel (without "transformer."), LlamaForCausalLM and ViTForImageClassification save them. */
export const TENSOR_NAMES: Readonly<Record<TransformerArchitecture["layout"], TensorNames>> = {
  gpt2: {
    orientation: "in-out", // Conv1D
    embedding: "wte",
    positions: "wpe.weight",
    classToken: NO_TENSOR,
    block: (layer) => `h.${layer}.`,
    parts: {
      norm1: "ln_1",
      attention: "attn.c_attn",
      headNorms: [NO_TENSOR, NO_TENSOR],
      attentionOutput: "attn.c_proj",
      norm2: "ln_2",
      gate: NO_TENSOR,
      up: "mlp.c_fc",
      down: "mlp.c_proj",
    },
    lastNorm: "ln_f",
    head: "lm_head",
  },
  llama: {
    orientation: "out-in",
    embedding: "model.embed_tokens",
    positions: NO_TENSOR,
    classToken: NO_TENSOR,
    block: (layer) => `model.layers.${layer}.`,
    parts: {
      norm1: "input_layernorm",
      attention: ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
      headNorms: ["self_attn.q_norm", "self_attn.k_norm"],
      attentionOutput: "self_attn.o_proj",
      norm2: "post_attention_layernorm",
      gate: "mlp.gate_proj",
      up: "mlp.up_proj",
      down: "mlp.down_proj",
    },
    lastNorm: "model.norm",
    head: "lm_head",
  },
  vit: {
    orientation: "out-in",
    embedding: "vit.embeddings.patch_embeddings.projection",
    positions: "vit.embeddings.position_embeddings",
    classToken: "vit.embeddings.cls_token",
    block: (layer) => `vit.encoder.layer.${layer}.`,
    parts: {
      norm1: "layernorm_before",
      attention: [
        "attention.attention.query",
        "attention.attention.key",
        "attention.attention.value",
      ],
      headNorms: [NO_TENSOR, NO_TENSOR],
      attentionOutput: "attention.output.dense",
      norm2: "layernorm_after",
      gate: NO_TENSOR,
      up: "intermediate.dense",
      down: "output.dense",
    },
    lastNorm: "vit.layernorm",
    head: "classifier",
  },
};

/** How many rows a sequence has: tokens of a window, or patches and the class token. */
export function sequenceLength({ input, head }: TransformerArchitecture): number {
  if (input.kind === "tokens") return input.window;
  const patches = (input.height / input.patch) * (input.width / input.patch);
  return patches + (head.kind === "classes" && head.pooling === "class-token" ? 1 : 0);
}

/** The tensors of a transformer, with transformers' names and orientations. */
export function transformerShapes(architecture: TransformerArchitecture): TensorShape[] {
  const { channels: C, layout, layers, norm, head, input } = architecture;
  const names = TENSOR_NAMES[layout];
  const shapes: TensorShape[] = [...embeddingShapes(architecture)];
  const add = (name: string, shape: number[]) => shapes.push({ name, shape });
  const addNorm = (name: string) => {
    add(`${name}.weight`, [C]);
    if (norm.kind === "layer") add(`${name}.bias`, [C]);
  };
  for (let layer = 0; layer < layers; layer++) {
    shapes.push(...blockShapes(architecture, names.block(layer)));
    addNorm(names.block(layer) + names.parts.norm1);
    addNorm(names.block(layer) + names.parts.norm2);
  }
  addNorm(names.lastNorm);
  if (head.kind === "classes") {
    add(`${names.head}.weight`, [head.classes, C]);
    add(`${names.head}.bias`, [head.classes]);
  } else if (!head.tied && input.kind === "tokens") {
    add(`${names.head}.weight`, [input.vocabulary, C]);
  }
  return shapes;
}

function embeddingShapes(architecture: TransformerArchitecture): TensorShape[] {
  const { channels: C, layout, positions, head, input } = architecture;
  const names = TENSOR_NAMES[layout];
  const weight = `${names.embedding}.weight`;
  if (input.kind === "tokens") {
    const table = { name: weight, shape: [input.vocabulary, C] };
    if (positions.kind === "rotary") return [table];
    return [table, { name: names.positions, shape: [input.context, C] }];
  }
  const shapes = [
    { name: weight, shape: [C, input.planes, input.patch, input.patch] },
    { name: `${names.embedding}.bias`, shape: [C] },
    { name: names.positions, shape: [1, sequenceLength(architecture), C] },
  ];
  const hasClassToken = head.kind === "classes" && head.pooling === "class-token";
  return hasClassToken ? [...shapes, { name: names.classToken, shape: [1, 1, C] }] : shapes;
}

/** The matrices of one block, and the norms of its heads. */
function blockShapes(
  { channels: C, layout, attention, feedForward }: TransformerArchitecture,
  prefix: string,
): TensorShape[] {
  const { orientation, parts } = TENSOR_NAMES[layout];
  const { heads, keyValueHeads, headChannels: D } = attention;
  const F = feedForward.channels;
  const shapes: TensorShape[] = [];
  const add = (name: string, inputs: number, outputs: number, hasBias: boolean) => {
    const shape = orientation === "out-in" ? [outputs, inputs] : [inputs, outputs];
    shapes.push({ name: `${prefix}${name}.weight`, shape });
    if (hasBias) shapes.push({ name: `${prefix}${name}.bias`, shape: [outputs] });
  };
  if (typeof parts.attention === "string") {
    add(parts.attention, C, (heads + 2 * keyValueHeads) * D, attention.inputBias);
  } else {
    const [query, key, value] = parts.attention;
    add(query, C, heads * D, attention.inputBias);
    for (const name of [key, value]) add(name, C, keyValueHeads * D, attention.inputBias);
  }
  add(parts.attentionOutput, heads * D, C, attention.outputBias);
  if (feedForward.kind === "swiglu") add(parts.gate, C, F, feedForward.bias);
  add(parts.up, C, F, feedForward.bias);
  add(parts.down, F, C, feedForward.bias);
  if (attention.queryKeyNorm) {
    for (const name of parts.headNorms) {
      shapes.push({ name: `${prefix}${name}.weight`, shape: [D] });
    }
  }
  return shapes;
}
