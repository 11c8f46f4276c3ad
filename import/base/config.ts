import * as z from "zod/mini";
import { count, positive } from "../../core/protocol/schemas/primitives.ts";
import {
  type TransformerArchitecture,
  transformer,
  transformerProblem,
} from "../../core/protocol/schemas/transformer.ts";
import { describeIssue } from "../parse-fields.ts";
import { problemAt } from "../problem.ts";
import { rotaryFields, rotaryOf } from "./rotary-config.ts";

/** What a config.json says of a model: names and defaults as transformers' configuration classes have them. */
export type BaseConfig = {
  readonly architecture: TransformerArchitecture;
  /** The token that begins a text, and the one that ends it. */
  readonly begin: number | undefined;
  readonly end: number | undefined;
  /** Of a classifier, in the order of its outputs. */
  readonly classes: readonly string[] | null;
};

const WINDOW = 256; // tokens of an example, where the context has so many: a step of 8 fits a phone
const KNOWN = ["gpt2", "llama", "qwen2", "qwen3", "vit"] as const;

const above0 = z.number().check(z.gt(0));
const share = z.number().check(z.minimum(0));
const flag = (value: boolean) => z._default(z.boolean(), value);
const only = <T extends string | boolean>(value: T) => z._default(z.literal(value), value);
/** One token, or several of which the first counts. */
const token = z.optional(z.nullable(z.union([count, z.array(count)])));

const kind = z.looseObject({ model_type: z.enum(KNOWN) });

const gpt2 = z.looseObject({
  vocab_size: z._default(positive, 50_257),
  n_positions: z._default(positive, 1024),
  n_embd: z._default(positive, 768),
  n_layer: z._default(positive, 12),
  n_head: z._default(positive, 12),
  n_inner: z.optional(z.nullable(positive)),
  activation_function: z._default(z.string(), "gelu_new"),
  layer_norm_epsilon: z._default(above0, 1e-5),
  scale_attn_weights: only(true),
  scale_attn_by_inverse_layer_idx: only(false),
  add_cross_attention: only(false),
  tie_word_embeddings: flag(true),
  bos_token_id: token,
  eos_token_id: token,
});

const llama = z.looseObject({
  vocab_size: positive,
  hidden_size: positive,
  intermediate_size: positive,
  num_hidden_layers: positive,
  num_attention_heads: positive,
  num_key_value_heads: z.optional(z.nullable(positive)),
  head_dim: z.optional(z.nullable(positive)),
  hidden_act: z._default(z.string(), "silu"),
  max_position_embeddings: z._default(positive, 2048),
  rms_norm_eps: z._default(above0, 1e-6),
  attention_bias: flag(false),
  mlp_bias: flag(false),
  use_sliding_window: only(false),
  tie_word_embeddings: flag(false),
  bos_token_id: token,
  eos_token_id: token,
  ...rotaryFields,
});

const vit = z.looseObject({
  hidden_size: z._default(positive, 768),
  num_hidden_layers: z._default(positive, 12),
  num_attention_heads: z._default(positive, 12),
  intermediate_size: z._default(positive, 3072),
  hidden_act: z._default(z.string(), "gelu"),
  layer_norm_eps: z._default(above0, 1e-12),
  image_size: z._default(positive, 224),
  patch_size: z._default(positive, 16),
  num_channels: z._default(positive, 3),
  qkv_bias: flag(true),
  id2label: z.optional(z.record(z.string(), z.string())),
});

/** preprocessor_config.json of a model of images. */
const preprocessor = z.looseObject({
  image_mean: z.optional(z.nullable(z.array(share))),
  image_std: z.optional(z.nullable(z.array(above0))),
});

/** Read a model's config.json, and with images its preprocessor_config.json. Throws an InputProblem that names file and field. */
export function readConfig(config: NamedJson, processing: NamedJson | null): BaseConfig {
  const { model_type: type } = parse(config, kind);
  const read =
    type === "gpt2"
      ? readGpt2(config)
      : type === "vit"
        ? readVit(config, processing)
        : readLlama(config, type);
  parse({ file: config.file, value: read.architecture }, transformer);
  const problem = transformerProblem(read.architecture);
  if (problem === null) return read;
  throw problemAt(config, `it makes no model: ${problem.path.join(".")} ${problem.message}`);
}

/** A file's content, parsed; `file` names it for people. */
export type NamedJson = { readonly file: string; readonly value: unknown };

function parse<S extends z.ZodMiniType>({ file, value }: NamedJson, schema: S): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw problemAt({ file }, describeIssue(value, result.error.issues[0]!).text);
}

function readGpt2(config: NamedJson): BaseConfig {
  const c = parse(config, gpt2);
  const wide = c.n_inner ?? 4 * c.n_embd;
  return {
    architecture: {
      kind: "transformer",
      layout: "gpt2",
      input: tokensOf(c.vocab_size, c.n_positions),
      layers: c.n_layer,
      channels: c.n_embd,
      norm: { kind: "layer", epsilon: c.layer_norm_epsilon },
      positions: { kind: "learned" },
      attention: {
        heads: c.n_head,
        keyValueHeads: c.n_head,
        headChannels: c.n_embd / c.n_head,
        causal: true,
        inputBias: true,
        outputBias: true,
        queryKeyNorm: false,
      },
      feedForward: {
        kind: geluOf(config, "activation_function", c.activation_function),
        channels: wide,
        bias: true,
      },
      head: { kind: "tokens", tied: c.tie_word_embeddings },
    },
    ...endsOf(c),
    classes: null,
  };
}

function readLlama(config: NamedJson, type: "llama" | "qwen2" | "qwen3"): BaseConfig {
  const c = parse(config, llama);
  if (c.hidden_act !== "silu" && c.hidden_act !== "swish") {
    throw unknownActivation(config, "hidden_act", c.hidden_act, ["silu"]);
  }
  const isQwen2 = type === "qwen2"; // its biases are of queries, keys and values alone, and always there
  const headChannels =
    c.head_dim ?? (type === "qwen3" ? 128 : c.hidden_size / c.num_attention_heads);
  return {
    architecture: {
      kind: "transformer",
      layout: "llama",
      input: tokensOf(c.vocab_size, c.max_position_embeddings),
      layers: c.num_hidden_layers,
      channels: c.hidden_size,
      norm: { kind: "rms", epsilon: c.rms_norm_eps },
      positions: rotaryOf(config, c, c.max_position_embeddings),
      attention: {
        heads: c.num_attention_heads,
        keyValueHeads: c.num_key_value_heads ?? c.num_attention_heads,
        headChannels,
        causal: true,
        inputBias: isQwen2 || c.attention_bias,
        outputBias: !isQwen2 && c.attention_bias,
        queryKeyNorm: type === "qwen3",
      },
      feedForward: {
        kind: "swiglu",
        channels: c.intermediate_size,
        bias: type === "llama" && c.mlp_bias,
      },
      head: { kind: "tokens", tied: c.tie_word_embeddings },
    },
    ...endsOf(c),
    classes: null,
  };
}

function readVit(config: NamedJson, processing: NamedJson | null): BaseConfig {
  const c = parse(config, vit);
  const p = processing === null ? {} : parse(processing, preprocessor);
  const half = new Array<number>(Math.min(c.num_channels, 4)).fill(0.5);
  const classes = c.id2label === undefined ? null : labelsOf(config, c.id2label);
  return {
    architecture: {
      kind: "transformer",
      layout: "vit",
      input: {
        kind: "image",
        height: c.image_size,
        width: c.image_size,
        planes: c.num_channels,
        patch: c.patch_size,
        mean: p.image_mean ?? half,
        deviation: p.image_std ?? half,
      },
      layers: c.num_hidden_layers,
      channels: c.hidden_size,
      norm: { kind: "layer", epsilon: c.layer_norm_eps },
      positions: { kind: "learned" },
      attention: {
        heads: c.num_attention_heads,
        keyValueHeads: c.num_attention_heads,
        headChannels: c.hidden_size / c.num_attention_heads,
        causal: false,
        inputBias: c.qkv_bias,
        outputBias: true,
        queryKeyNorm: false,
      },
      feedForward: {
        kind: geluOf(config, "hidden_act", c.hidden_act),
        channels: c.intermediate_size,
        bias: true,
      },
      head: { kind: "classes", classes: classes?.length ?? 2, pooling: "class-token" },
    },
    begin: undefined,
    end: undefined,
    classes,
  };
}

function tokensOf(vocabulary: number, context: number) {
  return { kind: "tokens", vocabulary, context, window: Math.min(WINDOW, context) } as const;
}

const GELUS: Readonly<Record<string, "gelu" | "gelu-tanh">> = {
  gelu: "gelu",
  gelu_python: "gelu",
  gelu_new: "gelu-tanh",
  gelu_fast: "gelu-tanh",
  gelu_pytorch_tanh: "gelu-tanh",
};

function geluOf(config: NamedJson, field: string, name: string) {
  if (Object.hasOwn(GELUS, name)) return GELUS[name]!;
  throw unknownActivation(config, field, name, Object.keys(GELUS));
}

function unknownActivation(
  { file }: NamedJson,
  field: string,
  name: string,
  known: readonly string[],
) {
  return problemAt(
    { file },
    `${field} is "${name.slice(0, 60)}", and known here are ${known.join(", ")}`,
  );
}

type Ends = { readonly bos_token_id?: Token; readonly eos_token_id?: Token };
type Token = number | number[] | null | undefined;

function endsOf({ bos_token_id, eos_token_id }: Ends) {
  const first = (token: Token) => (Array.isArray(token) ? token[0] : (token ?? undefined));
  return { begin: first(bos_token_id), end: first(eos_token_id) };
}

/** Class names by their outputs: "0", "1", … without a gap. */
function labelsOf({ file }: NamedJson, labels: Readonly<Record<string, string>>): string[] {
  const count = Object.keys(labels).length;
  return Array.from({ length: count }, (_, output) => {
    const label = labels[output];
    if (label !== undefined) return label;
    throw problemAt({ file }, `id2label has ${count} classes, and none for output ${output}`);
  });
}
