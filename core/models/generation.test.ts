import { memory } from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { randomValues } from "../../tests/reference/finite-differences.ts";
import { type GenerationTask, generateText } from "./generation.ts";
import { gptAsTransformer } from "./gpt.ts";
import { splitFlat } from "./reference/tensors.ts";
import { transformerLogits } from "./reference/transformer.ts";
import { layoutOf } from "./registry.ts";

const architecture = {
  kind: "gpt",
  vocabulary: 11,
  context: 4,
  layers: 1,
  channels: 6,
  heads: 2,
} as const;
const layout = layoutOf(architecture);
const task: GenerationTask = {
  architecture,
  parameters: Float32Array.from(randomValues("parameters", layout.size)),
  prompt: Uint8Array.of(1, 2, 3, 4, 5, 6), // longer than the context
  length: 9,
  temperature: 1,
  seed: 7,
};

beforeAll(async () => {
  await openBackend({ prefer: "cpu" });
});

test("the same seed writes the same text, another one another, within the vocabulary", async () => {
  const tensors = memory().numTensors;
  const text = await generateText(task);
  expect(text).toHaveLength(9);
  for (const token of text) expect(token).toBeLessThan(11);
  expect(await generateText(task)).toEqual(text);
  expect(await generateText({ ...task, seed: 8 })).not.toEqual(text);
  expect(memory().numTensors).toBe(tensors);
});

test("at temperature 0 each token is the reference's likeliest after the last `context` tokens", async () => {
  const text = await generateText({ ...task, temperature: 0 });
  const tensors = splitFlat(Float64Array.from(task.parameters), layout);
  const all = [...task.prompt, ...text];
  for (let end = task.prompt.length; end < all.length; end++) {
    const tokens = all.slice(end - architecture.context, end);
    const logits = transformerLogits(gptAsTransformer(architecture), tensors, { batch: 1, tokens });
    const last = [...logits.slice(-architecture.vocabulary)];
    expect(all[end]).toBe(last.indexOf(Math.max(...last)));
  }
});

test("a prompt of one token is enough, and an abort stops between two tokens", async () => {
  const controller = new AbortController();
  const tokens: number[] = [];
  const writing = generateText(
    { ...task, prompt: Uint8Array.of(3) },
    {
      signal: controller.signal,
      onToken: (token) => {
        tokens.push(token);
        if (tokens.length === 2) controller.abort(new Error("enough"));
      },
    },
  );
  await expect(writing).rejects.toThrow("enough");
  expect(tokens).toHaveLength(2);
});
