import { readFile } from "node:fs/promises";
import { gptAsTransformer } from "../../core/models/gpt.ts";
import { initialParameters } from "../../core/models/initial-parameters.ts";
import {
  openTokenizer,
  type TextTokenizer,
  type TokenizerFile,
} from "../../core/models/tokenizer.ts";
import { createTransformer } from "../../core/models/transformer.ts";
import type { TransformerArchitecture } from "../../core/protocol/schemas/transformer.ts";
import { createRandom } from "../../core/random.ts";
import { decodeCheckpointFile } from "../../core/tensors/checkpoint-file.ts";
import { createLayout } from "../../core/tensors/layout.ts";
import { cutText, joinTextExamples, type TextExamples } from "../../core/training/text-examples.ts";
import { trainDelta } from "../../core/training/train.ts";
import { gptArchitecture, presidents } from "../../models/presidents/data.ts";
import { readMobyDick } from "../../models/presidents/speeches.ts";
import { llama } from "../../tests/fixtures/known-transformers.ts";

/** A model to be run in llama.cpp. */
export type GgufCase = {
  readonly name: string;
  readonly architecture: TransformerArchitecture;
  /** A file of tests/fixtures/hugging-face; null: tokens are bytes. */
  readonly tokenizer: string | null;
};

const WINDOW = 64;
const SIZES = {
  context: 2 * WINDOW,
  window: WINDOW,
  layers: 2,
  channels: 64,
  heads: 4,
  keyValueHeads: 2,
  wide: 160,
};
const BYTE_LEVEL = "llama-bpe/tokenizer.json"; // cut as GPT-2 does, 320 tokens
const SENTENCE_PIECE = "tokenizer-llama.json";
const QWEN = "tokenizer-qwen.json";
const small = { ...SIZES, vocabulary: 336 };
const scaled = (
  scaling: Extract<TransformerArchitecture["positions"], { kind: "rotary" }>["scaling"],
) => ({ kind: "rotary", base: 10_000, scaling }) as const;

export const GGUF_CASES: readonly GgufCase[] = [
  {
    name: "presidents, as shipped (GPT-2)",
    architecture: gptAsTransformer(gptArchitecture()),
    tokenizer: null,
  },
  { name: "Llama", architecture: llama(small), tokenizer: BYTE_LEVEL },
  {
    name: "Llama, untied, wider heads, scaled as Llama 3",
    architecture: {
      ...llama({ ...small, headChannels: 24 }, { tied: false }),
      positions: scaled({
        kind: "llama3",
        factor: 8,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalContext: 32,
      }),
    },
    tokenizer: SENTENCE_PIECE,
  },
  {
    name: "Qwen 2",
    architecture: llama(small, { epsilon: 1e-6, inputBias: true }),
    tokenizer: QWEN,
  },
  {
    name: "Qwen 2, scaled by YaRN",
    architecture: {
      ...llama(small, { epsilon: 1e-6, inputBias: true }),
      positions: scaled({
        kind: "yarn",
        factor: 4,
        originalContext: 32,
        betaFast: 32,
        betaSlow: 1,
        attentionFactor: 1.2,
      }),
    },
    tokenizer: QWEN,
  },
  {
    name: "Qwen 3",
    architecture: llama({ ...small, headChannels: 24 }, { epsilon: 1e-6, queryKeyNorm: true }),
    tokenizer: QWEN,
  },
];

export type MadeCase = {
  readonly parameters: Float32Array;
  readonly tokenizerFiles: readonly TokenizerFile[];
  readonly tokenizer: TextTokenizer;
  /** Of a chapter of Moby Dick that none of these models has read. */
  readonly heldOut: TextExamples;
};

const TRAINING = { steps: 120, batch: 8, learningRate: 0.004 };
const CHAPTERS = 4; // read in training
const HELD_OUT = 9; // the first chapter that the shipped base has not read either
const WINDOWS = 16;

/** The model's weights: those shipped, or trained here for a minute from a seed. */
export async function makeModel({ architecture, tokenizer: path }: GgufCase): Promise<MadeCase> {
  const tokenizerFiles = path === null ? [] : [await readTokenizer(path)];
  const { input } = architecture;
  if (input.kind !== "tokens") throw new Error("internal: no tokens");
  const tokenizer = await openTokenizer(tokenizerFiles, input.vocabulary);
  const chapters = (await readMobyDick()).map(({ text }) =>
    cutText(tokenizer.encode(new TextDecoder().decode(text)), input.window),
  );
  const heldOut = firstOf(chapters[HELD_OUT]!, WINDOWS);
  const layout = createLayout(createTransformer(architecture).shapes);
  if (path === null) {
    const parameters = decodeCheckpointFile("base", await presidents.base(), layout);
    return { parameters, tokenizerFiles, tokenizer, heldOut };
  }
  const parameters = initialParameters(architecture, layout, createRandom("prove gguf"));
  const positions = Uint32Array.from({ length: layout.size }, (_, position) => position);
  const examples = joinTextExamples(chapters.slice(0, CHAPTERS));
  const task = { architecture, parameters, positions, examples, training: TRAINING, seed: 1 };
  const { delta } = await trainDelta(task);
  return {
    parameters: parameters.map((value, i) => value + delta[i]!),
    tokenizerFiles,
    tokenizer,
    heldOut,
  };
}

async function readTokenizer(path: string): Promise<TokenizerFile> {
  const file = new URL(`../../tests/fixtures/hugging-face/${path}`, import.meta.url);
  return { name: "tokenizer.json", bytes: Uint8Array.from(await readFile(file)) };
}

function firstOf({ length, tokens }: TextExamples, count: number): TextExamples {
  return { kind: "text", count, length, tokens: tokens.slice(0, count * length) };
}
