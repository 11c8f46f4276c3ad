import { describe, expect, test } from "vitest";
import {
  GPT2_SMALL,
  gpt2,
  llama,
  SMOLLM2_135M,
  vit,
} from "../../tests/fixtures/known-transformers.ts";
import { parseValue } from "../protocol/canonical-json.ts";
import {
  type TransformerArchitecture,
  transformer,
  transformerProblem,
} from "../protocol/schemas/transformer.ts";
import { createLayout } from "../tensors/layout.ts";
import { transformerShapes } from "./transformer-tensors.ts";

const QWEN25_HALF_B = llama(
  {
    vocabulary: 151_936,
    context: 32_768,
    layers: 24,
    channels: 896,
    heads: 14,
    keyValueHeads: 2,
    wide: 4864,
  },
  { base: 1e6, epsilon: 1e-6, inputBias: true },
);
const QWEN3_06B = llama(
  {
    vocabulary: 151_936,
    context: 40_960,
    layers: 28,
    channels: 1024,
    heads: 16,
    keyValueHeads: 8,
    headChannels: 128,
    wide: 3072,
  },
  { base: 1e6, epsilon: 1e-6, queryKeyNorm: true },
);
const TINYLLAMA = llama(
  {
    vocabulary: 32_000,
    context: 2048,
    layers: 22,
    channels: 2048,
    heads: 32,
    keyValueHeads: 4,
    wide: 5632,
  },
  { tied: false },
);
const VIT_BASE = vit({
  side: 224,
  patch: 16,
  layers: 12,
  channels: 768,
  heads: 12,
  classes: 1000,
});

describe("a transformer has as many parameters as the published checkpoint", () => {
  test.each([
    ["GPT-2 small", GPT2_SMALL, 124_439_808],
    ["SmolLM2-135M", SMOLLM2_135M, 134_515_008],
    ["Qwen2.5-0.5B", QWEN25_HALF_B, 494_032_768],
    ["Qwen3-0.6B", QWEN3_06B, 596_049_920],
    ["TinyLlama-1.1B", TINYLLAMA, 1_100_048_384],
    ["ViT-base-patch16-224", VIT_BASE, 86_567_656],
  ] as const)("%s", (_, architecture, parameters) => {
    expect(transformerProblem(parseValue("architecture", transformer, architecture))).toBeNull();
    expect(createLayout(transformerShapes(architecture)).size).toBe(parameters);
  });
});

test("tensors have transformers' names and orientations", () => {
  const shapesOf = (architecture: TransformerArchitecture) =>
    Object.fromEntries(transformerShapes(architecture).map(({ name, shape }) => [name, shape]));
  expect(shapesOf(QWEN3_06B)).toMatchObject({
    "model.embed_tokens.weight": [151_936, 1024],
    "model.layers.27.self_attn.q_proj.weight": [2048, 1024],
    "model.layers.27.self_attn.k_proj.weight": [1024, 1024],
    "model.layers.0.self_attn.q_norm.weight": [128],
    "model.layers.0.mlp.gate_proj.weight": [3072, 1024],
    "model.norm.weight": [1024],
  });
  expect(shapesOf(GPT2_SMALL)).toMatchObject({
    "wpe.weight": [1024, 768],
    "h.11.attn.c_attn.weight": [768, 2304],
    "h.11.mlp.c_proj.weight": [3072, 768],
  });
  expect(shapesOf(VIT_BASE)).toMatchObject({
    "vit.embeddings.cls_token": [1, 1, 768],
    "vit.embeddings.position_embeddings": [1, 197, 768],
    "vit.embeddings.patch_embeddings.projection.weight": [768, 3, 16, 16],
    "vit.encoder.layer.0.attention.output.dense.bias": [768],
    "classifier.weight": [1000, 768],
  });
  expect(shapesOf(TINYLLAMA)).toMatchObject({ "lm_head.weight": [32_000, 2048] });
});

const SMALL = gpt2({ vocabulary: 8, context: 6, layers: 1, channels: 4, heads: 2 });
const LLAMA = llama({ vocabulary: 8, context: 6, layers: 1, channels: 4, heads: 2 });
const VIT = vit({ side: 6, patch: 3, layers: 1, channels: 4, heads: 2, classes: 3 });

test.each<[string, TransformerArchitecture, string]>([
  [
    "a window longer than the context",
    { ...SMALL, input: { ...SMALL.input, window: 7 } },
    "input.window: 7 is longer than the context 6",
  ],
  [
    "key and value heads that do not divide the heads",
    { ...LLAMA, attention: { ...LLAMA.attention, heads: 3, keyValueHeads: 2 } },
    "attention.keyValueHeads: 2 do not divide 3 heads",
  ],
  [
    "rotary positions over an odd head",
    { ...LLAMA, attention: { ...LLAMA.attention, headChannels: 3 } },
    "attention.headChannels: 3 is odd, and rotary needs pairs",
  ],
  [
    "a next token that its own row sees",
    { ...LLAMA, attention: { ...LLAMA.attention, causal: false } },
    "attention.causal: the next token must not be seen",
  ],
  [
    "grouped queries in GPT-2's layout",
    { ...SMALL, attention: { ...SMALL.attention, keyValueHeads: 1 } },
    'attention.keyValueHeads: "1", where the layout "gpt2" has "2"',
  ],
  [
    "a gate in GPT-2's layout",
    { ...SMALL, feedForward: { kind: "swiglu", channels: 8, bias: true } },
    'feedForward.kind: "swiglu" has no tensors in "gpt2"',
  ],
  [
    "patches that do not divide the image",
    { ...VIT, input: { ...VIT.input, height: 7 } },
    "input.height: patches of 3 do not divide 7 pixels",
  ],
  [
    "a mean for each of other planes",
    { ...VIT, input: { ...VIT.input, mean: [0] } },
    "input.mean: 1 values for 3 colour planes",
  ],
  [
    "a class head over tokens",
    { ...SMALL, head: { kind: "classes", classes: 2, pooling: "mean" } },
    "head.kind: classes are of images, not of tokens",
  ],
])("%s: refused, with what is wrong", (_, architecture, says) => {
  const problem = transformerProblem(architecture);
  expect(`${problem?.path.join(".")}: ${problem?.message}`).toBe(says);
});
