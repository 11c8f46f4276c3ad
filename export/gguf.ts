import { gptAsTransformer } from "../core/models/gpt.ts";
import { rotaryStretch } from "../core/models/rotary.ts";
import { llamaCppFamily } from "../core/models/transformer-family.ts";
import type { TransformerArchitecture } from "../core/protocol/schemas/transformer.ts";
import { byteTokenizerFiles } from "./byte-tokenizer.ts";
import { type ExportFile, ExportRefused } from "./export-file.ts";
import { checkRange, EXPORT_BYTES, type ExportDtype, encodedBlocks } from "./export-values.ts";
import type { ExportedVersion } from "./exported-version.ts";
import { encodeGgufHeader, type GgufTensor, type GgufValue, ggufPadding } from "./gguf-header.ts";
import { ggufPlace } from "./gguf-tensors.ts";
import { ggufTokenizer } from "./gguf-tokenizer.ts";

const FILE_TYPES: Readonly<Record<ExportDtype, number>> = { f32: 0, f16: 1, bf16: 32 }; // llama.cpp's numbers
const QUANTISATION_VERSION = 2;

type Placed = GgufTensor & { readonly values: () => Float32Array };

/**
 * `version` as the one file that llama.cpp and Ollama run: weights in `dtype`, vectors and positions in f32 as llama.cpp wants
 * them. Throws an ExportRefused where llama.cpp has no such model or tokenizer, or a weight is too large for `dtype`.
 */
export function ggufFile(version: ExportedVersion, dtype: ExportDtype): ExportFile {
  const { recipe, layout, parameters } = version;
  const architecture = transformerOf(version);
  const family = architecture === null ? null : llamaCppFamily(architecture);
  if (architecture === null || family === null) {
    throw new ExportRefused(
      "llama.cpp runs no model that is put together from this model's parts: export it for transformers instead.",
    );
  }
  checkRange(parameters, dtype);
  const tensors = layout.tensors.map((tensor): Placed => {
    const { name, shape, arrange } = ggufPlace(architecture, family, tensor);
    const isSmall = shape.length === 1 || name.startsWith("position_embd");
    const values = parameters.subarray(tensor.offset, tensor.offset + tensor.size);
    return placed({ name, shape }, isSmall ? "f32" : dtype, () => arrange(values));
  });
  const stretch = stretchOf(architecture);
  if (stretch !== null) {
    const shape = [stretch.length];
    tensors.unshift(placed({ name: "rope_freqs.weight", shape }, "f32", () => stretch));
  }
  const header = encodeGgufHeader(
    [
      ...generalFields(version, family, dtype),
      ...architectureFields(architecture).map(
        ([key, value]) => [`${family}.${key}`, value] as const,
      ),
      ...tokenizerFields(version, architecture),
    ],
    tensors,
  );
  const sizeBytes = tensors.reduce((sum, { sizeBytes: each }) => sum + each + ggufPadding(each), 0);
  return {
    name: `${recipe.id}-${version.record.number}-${dtype}.gguf`,
    sizeBytes: header.length + sizeBytes,
    *blocks() {
      yield header;
      for (const tensor of tensors) {
        yield* encodedBlocks(tensor.values(), tensor.dtype);
        yield new Uint8Array(ggufPadding(tensor.sizeBytes));
      }
    },
  };
}

function transformerOf({ recipe }: ExportedVersion): TransformerArchitecture | null {
  const { architecture } = recipe;
  if (architecture.kind === "gpt") return gptAsTransformer(architecture);
  return architecture.kind === "transformer" ? architecture : null;
}

function placed(
  { name, shape }: Pick<GgufTensor, "name" | "shape">,
  dtype: ExportDtype,
  values: () => Float32Array,
): Placed {
  const sizeBytes = shape.reduce((size, length) => size * length, EXPORT_BYTES[dtype]);
  return { name, shape, dtype, sizeBytes, values };
}

/** What Llama 3's scaling divides each pair's frequency by [D / 2]: a tensor in llama.cpp; null where there is none. */
function stretchOf({ positions, attention }: TransformerArchitecture): Float32Array | null {
  if (positions.kind !== "rotary" || positions.scaling?.kind !== "llama3") return null;
  return rotaryStretch(positions, attention.headChannels);
}

type Field = readonly [key: string, value: GgufValue];

function generalFields(
  { recipe, record, id, relay }: ExportedVersion,
  family: string,
  dtype: ExportDtype,
): Field[] {
  return [
    ["general.architecture", family],
    ["general.type", "model"],
    ["general.name", recipe.title],
    ["general.version", String(record.number)],
    ["general.description", recipe.summary],
    ["general.license", recipe.licence],
    ...(relay === null ? [] : [sourceField(`${relay}/${recipe.id}@${record.number}`)]),
    ["general.file_type", { u32: FILE_TYPES[dtype] }],
    ["general.quantization_version", { u32: QUANTISATION_VERSION }],
    ["commonweight.version", id],
    ["commonweight.checkpoint", record.checkpoint],
  ];
}

const sourceField = (address: string): Field => ["general.source.url", address];

function architectureFields(architecture: TransformerArchitecture): Field[] {
  const { input, layers, channels, norm, attention, feedForward, positions } = architecture;
  if (input.kind !== "tokens") throw new Error("internal: no tokens");
  const { heads, keyValueHeads, headChannels } = attention;
  const epsilon = norm.kind === "rms" ? "layer_norm_rms_epsilon" : "layer_norm_epsilon";
  return [
    ["vocab_size", { u32: input.vocabulary }],
    ["context_length", { u32: input.context }],
    ["embedding_length", { u32: channels }],
    ["block_count", { u32: layers }],
    ["feed_forward_length", { u32: feedForward.channels }],
    ["attention.head_count", { u32: heads }],
    ["attention.head_count_kv", { u32: keyValueHeads }],
    ["attention.key_length", { u32: headChannels }],
    ["attention.value_length", { u32: headChannels }],
    [`attention.${epsilon}`, { f32: norm.epsilon }],
    ...(positions.kind === "rotary" ? rotaryFields(positions, headChannels) : []),
  ];
}

function rotaryFields(
  { base, scaling }: Extract<TransformerArchitecture["positions"], { kind: "rotary" }>,
  headChannels: number,
): Field[] {
  const plain: Field[] = [
    ["rope.dimension_count", { u32: headChannels }],
    ["rope.freq_base", { f32: base }],
  ];
  if (scaling === undefined || scaling.kind === "llama3") return plain;
  const { kind, factor } = scaling;
  plain.push(["rope.scaling.type", kind], ["rope.scaling.factor", { f32: factor }]);
  if (kind === "linear") return plain;
  const usual = 1 + 0.1 * Math.log(factor); // what llama.cpp scales by itself
  return [
    ...plain,
    ["rope.scaling.original_context_length", { u32: scaling.originalContext }],
    ["rope.scaling.yarn_beta_fast", { f32: scaling.betaFast }],
    ["rope.scaling.yarn_beta_slow", { f32: scaling.betaSlow }],
    ["rope.scaling.attn_factor", { f32: (scaling.attentionFactor ?? usual) / usual }],
  ];
}

function tokenizerFields(
  { recipe, tokenizerFiles }: ExportedVersion,
  { input }: TransformerArchitecture,
): Field[] {
  if (input.kind !== "tokens") throw new Error("internal: no tokens");
  const { vocabulary, context } = input;
  const given = tokenizerFiles.find(({ name }) => name === "tokenizer.json");
  if (given !== undefined) {
    const { begin, end } = recipe.data.tokenizer ?? {};
    return ggufTokenizer(given.bytes, vocabulary, { begin, end });
  }
  if (vocabulary !== 256) {
    throw new ExportRefused(
      "llama.cpp needs a tokenizer, and this model's tokens have none: export it for transformers instead.",
    );
  }
  const json = JSON.stringify(byteTokenizerFiles(context)["tokenizer.json"]);
  return ggufTokenizer(new TextEncoder().encode(json), vocabulary, {});
}
