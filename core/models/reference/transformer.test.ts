import { describe, expect, test } from "vitest";
import { gpt2, llama, vit } from "../../../tests/fixtures/known-transformers.ts";
import {
  differences,
  expectClose,
  randomTokens,
  randomValues,
} from "../../../tests/reference/finite-differences.ts";
import {
  randomExamples,
  referenceBatch,
  TRANSFORMER_CASES,
} from "../../../tests/reference/transformer-model.ts";
import type { TransformerArchitecture } from "../../protocol/schemas/transformer.ts";
import { createLayout } from "../../tensors/layout.ts";
import { transformerShapes } from "../transformer-tensors.ts";
import { fisherSums } from "./fisher.ts";
import { joinFlat, splitFlat } from "./tensors.ts";
import { type TransformerBatch, transformerGradient, transformerLosses } from "./transformer.ts";

const small = gpt2({ vocabulary: 5, context: 4, layers: 2, channels: 6, heads: 2 });
const TINY = { vocabulary: 5, context: 4, layers: 1, channels: 4, heads: 2, keyValueHeads: 1 };
const SEES = { side: 4, patch: 2, planes: 1, layers: 1, channels: 4, heads: 2, classes: 3 };

function batchOf(vocabulary: number, batch: number, time: number): TransformerBatch {
  return {
    batch,
    tokens: randomTokens("tokens", batch * time, vocabulary),
    targets: randomTokens("targets", batch * time, vocabulary),
  };
}

function layoutOf(architecture: TransformerArchitecture) {
  return createLayout(transformerShapes(architecture));
}

function mean(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

test("GPT-2 small has Hugging Face's 148 tensors", () => {
  const { tensors } = layoutOf(
    gpt2({ vocabulary: 50_257, context: 1024, layers: 12, channels: 768, heads: 12 }),
  );
  expect(tensors).toHaveLength(148);
});

describe("the gradient equals its finite differences:", () => {
  test.each<[string, TransformerArchitecture]>([
    ["GPT-2", small],
    ["GPT-2 of single channels", gpt2({ ...TINY, channels: 3, heads: 3 })],
    ["Llama", llama({ ...TINY, wide: 5 })],
    ["Llama, untied", llama({ ...TINY, wide: 3 }, { tied: false })],
    ["Qwen 2", llama({ ...TINY, wide: 5 }, { inputBias: true })],
    ["Qwen 3", llama({ ...TINY, headChannels: 4, wide: 5 }, { queryKeyNorm: true })],
    ["ViT", vit(SEES)],
    ["ViT, mean of patches", vit({ ...SEES, pooling: "mean" })],
    ...TRANSFORMER_CASES.filter(({ what }) => what.startsWith("a Llama of other parts")).map(
      ({ what, architecture }): [string, TransformerArchitecture] => [
        what,
        { ...architecture, layers: 1 },
      ],
    ),
  ])(
    "%s",
    (_, architecture) => {
      const layout = layoutOf(architecture);
      const flat = randomValues("parameters", layout.size, 0.7);
      const examples = randomExamples(architecture, 2, 1);
      const batch = referenceBatch(architecture, examples, [0, 1]);
      const { losses, gradient } = transformerGradient(
        architecture,
        splitFlat(flat, layout),
        batch,
      );
      const loss = () => mean(transformerLosses(architecture, splitFlat(flat, layout), batch));
      expect(losses).toEqual(transformerLosses(architecture, splitFlat(flat, layout), batch));
      expectClose("gradient", joinFlat(gradient, layout), differences(flat, loss), 1e-7);
    },
    30_000,
  ); // thousands of losses in f64, on a machine that others use too
});

test("with all parameters 0 every token costs log V", () => {
  const layout = layoutOf(small);
  const tensors = splitFlat(new Float64Array(layout.size), layout);
  const losses = transformerLosses(small, tensors, batchOf(5, 2, 3));
  expectClose("losses", losses, new Float64Array(6).fill(Math.log(5)), 1e-12);
});

test("the losses of a sequence depend neither on the batch beside it nor on what follows", () => {
  const layout = layoutOf(small);
  const tensors = splitFlat(randomValues("parameters", layout.size), layout);
  const whole = batchOf(5, 2, 4);
  const together = transformerLosses(small, tensors, whole);
  const alone = transformerLosses(small, tensors, {
    batch: 1,
    tokens: Array.from(whole.tokens!).slice(4, 7),
    targets: Array.from(whole.targets).slice(4, 7),
  });
  expectClose("second sequence, first 3 tokens", alone, together.slice(4, 7), 1e-12);
});

test("Fisher sums are the squares of each sequence's own gradient, added up", () => {
  const layout = layoutOf(small);
  const tensors = splitFlat(randomValues("parameters", layout.size), layout);
  const gradientOf = (example: number) => {
    const batch = { batch: 1, tokens: [example, 1, 2], targets: [1, 2, 3] };
    return joinFlat(transformerGradient(small, tensors, batch).gradient, layout);
  };
  const sums = fisherSums(3, gradientOf);
  const expected = gradientOf(0).map(
    (g, p) => g ** 2 + gradientOf(1)[p]! ** 2 + gradientOf(2)[p]! ** 2,
  );
  expectClose("sums", sums, expected, 1e-12);
});
