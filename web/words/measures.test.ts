import { expect, test } from "vitest";
import { gpt2, vit } from "../../tests/fixtures/known-transformers.ts";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { askedOf, describeAccuracy, formatModelLoss, lossUnit } from "./measures.ts";

test("words: images are answered right, texts are foretold letter by letter", () => {
  expect(describeAccuracy("class", 3000)).toBe("right on 3,000 examples that nobody trains on");
  expect(describeAccuracy("byte", 36)).toMatch(/^of the next letters foretold, in 36 texts/);
});

test("words: a text model's loss is told in bits per byte", () => {
  expect([lossUnit("class"), formatModelLoss("class", 0.5)]).toEqual(["Loss", "0.500"]);
  expect([lossUnit("byte"), formatModelLoss("byte", 2 * Math.LN2)]).toEqual([
    "Bits per byte",
    "2.00",
  ]);
});

test("a model of tokens is measured in tokens, one of images as any classifier", () => {
  const { data } = tinyRecipe;
  const tokenizer = { files: [{ name: "tokenizer.json" as const, sha256: "0", sizeBytes: 1 }] };
  const text = gpt2({ vocabulary: 300, context: 8, layers: 1, channels: 4, heads: 1 });
  const image = vit({ side: 4, patch: 2, layers: 1, channels: 4, heads: 1, classes: 3 });
  expect(askedOf({ architecture: text, data: { ...data, tokenizer } })).toBe("token");
  expect(askedOf({ architecture: text, data })).toBe("byte");
  expect(askedOf({ architecture: image, data })).toBe("class");
  expect(lossUnit("token")).toBe("Bits per token");
  expect(describeAccuracy("token", 36)).toMatch(/^of the next pieces of words foretold, in 36/);
});
