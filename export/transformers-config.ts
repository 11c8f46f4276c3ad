import { familyOf } from "../core/models/transformer-family.ts";
import type {
  RotaryScaling,
  TransformerArchitecture,
} from "../core/protocol/schemas/transformer.ts";
import { ExportRefused } from "./export-file.ts";

/** Ids of the tokens that begin and end a text; null where none does. */
export type TextBounds = { readonly begin: number | null; readonly end: number | null };

/** What transformers' config.json says of a model besides its weights' type. */
export type TransformersConfig = Readonly<Record<string, unknown>> & {
  readonly architectures: readonly [string];
  readonly model_type: string;
};

/**
 * config.json of the class of transformers' that `architecture` is. Throws an ExportRefused where transformers has no such class, and
 * would need code of ours to load it.
 */
export function transformersConfig(
  architecture: TransformerArchitecture,
  classes: readonly string[],
  bounds: TextBounds,
): TransformersConfig {
  const family = familyOf(architecture);
  switch (family) {
    case "gpt2":
      return gpt2Config(architecture, bounds);
    case "llama":
    case "qwen2":
    case "qwen3":
      return llamaConfig(family, architecture, bounds);
    case "vit":
      return vitConfig(architecture, classes);
    case null:
      throw new ExportRefused(
        "No class of transformers is put together from this model's parts: its weights are in export.safetensors.",
      );
  }
}

function gpt2Config(architecture: TransformerArchitecture, bounds: TextBounds): TransformersConfig {
  const { layers, channels, norm, attention, feedForward } = architecture;
  const { vocabulary, context, isTied } = tokensOf(architecture);
  return {
    architectures: ["GPT2LMHeadModel"],
    model_type: "gpt2",
    activation_function: feedForward.kind === "gelu" ? "gelu" : "gelu_new",
    vocab_size: vocabulary,
    n_positions: context,
    n_ctx: context,
    n_embd: channels,
    n_layer: layers,
    n_head: attention.heads,
    n_inner: feedForward.channels,
    layer_norm_epsilon: norm.epsilon,
    initializer_range: 0.02,
    attn_pdrop: 0,
    embd_pdrop: 0,
    resid_pdrop: 0,
    scale_attn_weights: true,
    tie_word_embeddings: isTied,
    use_cache: true,
    bos_token_id: bounds.begin,
    eos_token_id: bounds.end,
  };
}

const LLAMA_CLASSES = {
  llama: "LlamaForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
} as const;

function llamaConfig(
  family: keyof typeof LLAMA_CLASSES,
  architecture: TransformerArchitecture,
  bounds: TextBounds,
): TransformersConfig {
  const { layers, channels, norm, positions, attention, feedForward } = architecture;
  const { vocabulary, context, isTied } = tokensOf(architecture);
  const rotary = positions.kind === "rotary" ? positions : null; // the layout has no others
  const { scaling } = rotary ?? {};
  return {
    architectures: [LLAMA_CLASSES[family]],
    model_type: family,
    hidden_act: "silu",
    vocab_size: vocabulary,
    max_position_embeddings: context,
    hidden_size: channels,
    intermediate_size: feedForward.channels,
    num_hidden_layers: layers,
    num_attention_heads: attention.heads,
    num_key_value_heads: attention.keyValueHeads,
    head_dim: attention.headChannels,
    rms_norm_eps: norm.epsilon,
    rope_theta: rotary?.base,
    rope_scaling: scaling === undefined ? null : ropeScaling(scaling),
    ...(family === "qwen2" ? {} : { attention_bias: attention.inputBias }),
    ...(family === "llama" ? { mlp_bias: feedForward.bias } : { use_sliding_window: false }),
    attention_dropout: 0,
    initializer_range: 0.02,
    tie_word_embeddings: isTied,
    use_cache: true,
    bos_token_id: bounds.begin,
    eos_token_id: bounds.end,
  };
}

/** As transformers' modeling_rope_utils reads it. */
function ropeScaling(scaling: RotaryScaling): Record<string, unknown> {
  const { kind: rope_type, factor } = scaling;
  switch (scaling.kind) {
    case "linear":
      return { rope_type, factor };
    case "llama3":
      return {
        rope_type,
        factor,
        low_freq_factor: scaling.lowFrequencyFactor,
        high_freq_factor: scaling.highFrequencyFactor,
        original_max_position_embeddings: scaling.originalContext,
      };
    case "yarn":
      return {
        rope_type,
        factor,
        original_max_position_embeddings: scaling.originalContext,
        beta_fast: scaling.betaFast,
        beta_slow: scaling.betaSlow,
        ...(scaling.attentionFactor === undefined
          ? {}
          : { attention_factor: scaling.attentionFactor }),
      };
  }
}

function tokensOf({ input, head }: TransformerArchitecture) {
  if (input.kind !== "tokens" || head.kind !== "tokens") throw new Error("internal: no tokens");
  return { ...input, isTied: head.tied };
}

function imageOf({ input, head }: TransformerArchitecture) {
  if (input.kind !== "image" || head.kind !== "classes") throw new Error("internal: no image");
  return { ...input, classes: head.classes };
}

function vitConfig(
  architecture: TransformerArchitecture,
  names: readonly string[],
): TransformersConfig {
  const { layers, channels, norm, attention, feedForward } = architecture;
  const { height, width, patch, planes, classes } = imageOf(architecture);
  const labels = Array.from({ length: classes }, (_, index) => names[index] ?? `class ${index}`);
  return {
    architectures: ["ViTForImageClassification"],
    model_type: "vit",
    hidden_act: feedForward.kind === "gelu" ? "gelu" : "gelu_pytorch_tanh",
    image_size: height === width ? height : [height, width],
    patch_size: patch,
    num_channels: planes,
    hidden_size: channels,
    intermediate_size: feedForward.channels,
    num_hidden_layers: layers,
    num_attention_heads: attention.heads,
    layer_norm_eps: norm.epsilon,
    qkv_bias: attention.inputBias,
    attention_probs_dropout_prob: 0,
    hidden_dropout_prob: 0,
    initializer_range: 0.02,
    id2label: Object.fromEntries(labels.map((label, index) => [index, label])),
    label2id: Object.fromEntries(labels.map((label, index) => [label, index])),
  };
}

/** preprocessor_config.json: how an image becomes what the model takes. */
export function imageProcessor(architecture: TransformerArchitecture): Record<string, unknown> {
  const { height, width, planes, mean, deviation } = imageOf(architecture);
  return {
    image_processor_type: "ViTImageProcessor",
    do_convert_rgb: planes === 3,
    do_resize: true,
    size: { height, width },
    resample: 2, // bilinear
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: deviation,
  };
}
