import { expect, test } from "vitest";
import {
  differences,
  expectClose,
  randomTokens,
  randomValues,
} from "../../../tests/reference/finite-differences.ts";
import { createLayout } from "../../tensors/layout.ts";
import { gptShapes } from "../gpt-shapes.ts";
import { fisherSums } from "./fisher.ts";
import { type GptBatch, gptLosses } from "./gpt.ts";
import { gptGradient } from "./gpt-backward.ts";
import { joinFlat, splitFlat } from "./tensors.ts";

const small = { kind: "gpt", vocabulary: 5, context: 4, layers: 2, channels: 6, heads: 2 } as const;

function batchOf(vocabulary: number, batch: number, time: number): GptBatch {
  return {
    batch,
    tokens: randomTokens("tokens", batch * time, vocabulary),
    targets: randomTokens("targets", batch * time, vocabulary),
  };
}

function mean(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

test("a GPT-2 small has Hugging Face's 148 tensors and 124,439,808 parameters", () => {
  const layout = createLayout(
    gptShapes({
      kind: "gpt",
      vocabulary: 50257,
      context: 1024,
      layers: 12,
      channels: 768,
      heads: 12,
    }),
  );
  expect(layout.tensors).toHaveLength(148);
  expect(layout.size).toBe(124_439_808);
  const qkv = layout.tensors.find(({ name }) => name === "h.11.attn.c_attn.weight");
  expect(qkv?.shape).toEqual([768, 2304]);
});

test.each([
  { architecture: small, batch: 2, time: 4 },
  { architecture: small, batch: 3, time: 2 }, // shorter than the context
  { architecture: { ...small, channels: 3, heads: 3, layers: 1 }, batch: 1, time: 1 },
  {
    architecture: { ...small, vocabulary: 257, channels: 5, heads: 1, layers: 1 },
    batch: 1,
    time: 3,
  },
])(
  "gpt $architecture.layers/$architecture.channels, vocabulary $architecture.vocabulary, $batch × $time: the gradient equals its finite differences",
  ({ architecture, batch: B, time }) => {
    const layout = createLayout(gptShapes(architecture));
    const flat = randomValues("parameters", layout.size, 0.7);
    const batch = batchOf(architecture.vocabulary, B, time);
    const { losses, gradient } = gptGradient(architecture, splitFlat(flat, layout), batch);
    const loss = () => mean(gptLosses(architecture, splitFlat(flat, layout), batch));
    expect(losses).toEqual(gptLosses(architecture, splitFlat(flat, layout), batch));
    expectClose("gradient", joinFlat(gradient, layout), differences(flat, loss));
  },
);

test("with all parameters 0 every token costs log V", () => {
  const layout = createLayout(gptShapes(small));
  const tensors = splitFlat(new Float64Array(layout.size), layout);
  const losses = gptLosses(small, tensors, batchOf(5, 2, 3));
  expectClose("losses", losses, new Float64Array(6).fill(Math.log(5)), 1e-12);
});

test("the losses of a sequence depend neither on the batch beside it nor on what follows", () => {
  const layout = createLayout(gptShapes(small));
  const tensors = splitFlat(randomValues("parameters", layout.size), layout);
  const whole = batchOf(5, 2, 4);
  const together = gptLosses(small, tensors, whole);
  const alone = gptLosses(small, tensors, {
    batch: 1,
    tokens: Array.from(whole.tokens).slice(4, 7),
    targets: Array.from(whole.targets).slice(4, 7),
  });
  expectClose("second sequence, first 3 tokens", alone, together.slice(4, 7), 1e-12);
});

test("Fisher sums are the squares of each sequence's own gradient, added up", () => {
  const layout = createLayout(gptShapes(small));
  const tensors = splitFlat(randomValues("parameters", layout.size), layout);
  const gradientOf = (example: number) =>
    joinFlat(
      gptGradient(small, tensors, {
        batch: 1,
        tokens: [example, 1, 2],
        targets: [1, 2, 3],
      }).gradient,
      layout,
    );
  const sums = fisherSums(3, gradientOf);
  const expected = gradientOf(0).map(
    (g, p) => g ** 2 + gradientOf(1)[p]! ** 2 + gradientOf(2)[p]! ** 2,
  );
  expectClose("sums", sums, expected, 1e-12);
});
