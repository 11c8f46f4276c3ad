import { readFile } from "node:fs/promises";
import { dispose, tensor } from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { gpt2, llama, vit } from "../../tests/fixtures/known-transformers.ts";
import { WASM_FOLDER } from "../../tests/fixtures/wasm-folder.ts";
import type { RotaryScaling, TransformerArchitecture } from "../protocol/schemas/transformer.ts";
import { createLayout } from "../tensors/layout.ts";
import { uploadWeights } from "../training/weights.ts";
import { disposeBatch, type Model } from "./model.ts";
import { classLogits, createTransformer, tokenLogits } from "./transformer.ts";

const TOKENS = [3, 17, 0, 8, 8, 12];
const SIZES = {
  vocabulary: 23,
  context: 6,
  layers: 2,
  channels: 18,
  heads: 6,
  keyValueHeads: 2,
  headChannels: 4,
  wide: 13,
};
const scaled = (architecture: TransformerArchitecture, base: number, scaling: RotaryScaling) => ({
  ...architecture,
  positions: { kind: "rotary" as const, base, scaling },
});

/** As scripts/transformer_logits.py has them. */
const CASES: Readonly<Record<string, TransformerArchitecture>> = {
  "GPT-2": gpt2({ vocabulary: 19, context: 9, layers: 2, channels: 10, heads: 2 }),
  Llama: llama(SIZES),
  "Llama, untied, scaled as Llama 3": scaled(llama(SIZES, { tied: false }), 100, {
    kind: "llama3",
    factor: 8,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalContext: 20,
  }),
  "Qwen 2": llama(SIZES, { base: 1e6, epsilon: 1e-6, inputBias: true }),
  "Qwen 2, scaled by YaRN": scaled(llama(SIZES, { epsilon: 1e-6, inputBias: true }), 100, {
    kind: "yarn",
    factor: 4,
    originalContext: 40,
    betaFast: 32,
    betaSlow: 1,
  }),
  "Qwen 3": llama(SIZES, { base: 1e6, epsilon: 1e-6, queryKeyNorm: true }),
  ViT: vit({ side: 6, patch: 3, layers: 2, channels: 10, heads: 2, classes: 5 }),
};

beforeAll(async () => {
  await openBackend({ prefer: "cpu", wasmFolder: WASM_FOLDER });
});

test.each(Object.keys(CASES))(
  "logits of %s equal PyTorch's within 1e-4, on weights that follow from their place",
  async (name) => {
    const file = new URL("../../tests/fixtures/transformer-logits.json", import.meta.url);
    const expected: number[] = JSON.parse(await readFile(file, "utf8"))[name];
    const architecture = CASES[name]!;
    const model = createTransformer(architecture);
    const weights = uploadWeights(model, parametersOf(model));
    const logits =
      architecture.input.kind === "tokens"
        ? tokenLogits(architecture, weights, tensor(TOKENS, [6], "int32"), { lastOnly: false })
        : imageLogits(architecture, model, weights);
    const values = await logits.data();
    expect(values).toHaveLength(expected.length);
    const worst = expected.reduce((most, e, i) => Math.max(most, Math.abs(values[i]! - e)), 0);
    expect(worst).toBeLessThan(1e-4);
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.1);
    dispose([logits, ...weights.values()]);
  },
);

function imageLogits(
  architecture: TransformerArchitecture,
  model: Model,
  weights: ReturnType<typeof uploadWeights>,
) {
  const pixels = Uint8Array.from({ length: 108 }, (_, p) => (37 * p) % 256);
  const examples = { kind: "images", count: 1, pixels, labels: Uint8Array.of(0) } as const;
  const batch = model.batch(examples, Uint32Array.of(0));
  const logits = classLogits(architecture, weights, batch);
  disposeBatch(batch);
  return logits;
}

function parametersOf({ shapes }: Model): Float32Array {
  const { tensors, size } = createLayout(shapes);
  const parameters = new Float32Array(size);
  for (const { name, offset, size: count } of tensors) {
    const isNorm = /norm\w*\.weight$|\bln_\w+\.weight$/.test(name);
    for (let p = offset; p < offset + count; p++) {
      const value = Math.fround(Math.sin(0.7 * p + 0.3) / 2);
      parameters[p] = isNorm ? value + 1 : value;
    }
  }
  return parameters;
}
