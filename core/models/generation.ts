import { dispose, tensor } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import type { TransformerArchitecture } from "../protocol/schemas/transformer.ts";
import { createRandom, type Random } from "../random.ts";
import type { Integers } from "../tensors/little-endian.ts";
import { uploadWeights } from "../training/weights.ts";
import { type GptArchitecture, gptAsTransformer } from "./gpt.ts";
import type { Weights } from "./model.ts";
import { createTransformer, tokenLogits } from "./transformer.ts";

export type GenerationTask = {
  readonly architecture: GptArchitecture | TransformerArchitecture;
  /** Flat parameters [N]. */
  readonly parameters: Float32Array;
  /** At least one token; the last `context` of them are read. */
  readonly prompt: Integers;
  /** How many tokens to write. */
  readonly length: number;
  /** The smaller, the more likely tokens are preferred; at 0 the likeliest is taken. */
  readonly temperature: number;
  readonly seed: number;
};

/**
 * Continue `prompt` by `length` tokens drawn from softmax(logits / temperature), on the backend that is
 * open; `onToken` is awaited after each. Returns what was written. Rejects with the signal's reason.
 */
export async function generateText(
  { architecture, parameters, prompt, length, temperature, seed }: GenerationTask,
  {
    signal,
    onToken,
  }: {
    readonly signal?: AbortSignal;
    readonly onToken?: (token: number) => void | Promise<void>;
  } = {},
): Promise<Uint32Array> {
  assert(prompt.length > 0 && temperature >= 0, "generation: a prompt and a temperature");
  const transformer = architecture.kind === "gpt" ? gptAsTransformer(architecture) : architecture;
  const { input } = transformer;
  assert(input.kind === "tokens", "only a model of tokens writes");
  const weights = uploadWeights(createTransformer(transformer), parameters);
  const random = createRandom(seed);
  const text = new Uint32Array(prompt.length + length);
  text.set(prompt);
  try {
    for (let end = prompt.length; end < text.length; end++) {
      signal?.throwIfAborted();
      const window = text.subarray(Math.max(0, end - input.context), end);
      text[end] = draw(await nextLogits(transformer, weights, window), temperature, random);
      await onToken?.(text[end]!);
    }
    return text.subarray(prompt.length);
  } finally {
    dispose([...weights.values()]);
  }
}

/** The logits [V] of the token after `window`. */
async function nextLogits(
  architecture: TransformerArchitecture,
  weights: Weights,
  window: Uint32Array,
): Promise<Float32Array> {
  const tokens = tensor(Int32Array.from(window), [window.length], "int32");
  const logits = tokenLogits(architecture, weights, tokens, { lastOnly: true }); // [1, V]
  try {
    return Float32Array.from(await logits.data());
  } finally {
    dispose([tokens, logits]);
  }
}

/** A token, drawn with probability softmax(logits [V] / temperature). */
function draw(logits: Float32Array, temperature: number, random: Random): number {
  const most = logits.reduce((a, b) => Math.max(a, b)); // taken off against overflow
  if (temperature === 0) return logits.indexOf(most);
  const powers = Array.from(logits, (logit) => Math.exp((logit - most) / temperature));
  let left = (random.uint32() / 2 ** 32) * powers.reduce((a, b) => a + b, 0);
  for (const [token, power] of powers.entries()) {
    left -= power;
    if (left < 0) return token;
  }
  return logits.indexOf(most); // rounding left a little over
}
