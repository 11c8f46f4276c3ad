import { expect, test } from "vitest";
import { describeAccuracy, formatModelLoss, lossUnit } from "./measures.ts";

test("words: images are answered right, texts are foretold letter by letter", () => {
  expect(describeAccuracy("mlp", 3000)).toBe("right on 3,000 examples that nobody trains on");
  expect(describeAccuracy("gpt", 36)).toMatch(/^of the next letters foretold, in 36 texts/);
});

test("words: a text model's loss is told in bits per byte", () => {
  expect([lossUnit("mlp"), formatModelLoss("mlp", 0.5)]).toEqual(["Loss", "0.500"]);
  expect([lossUnit("gpt"), formatModelLoss("gpt", 2 * Math.LN2)]).toEqual([
    "Bits per byte",
    "2.00",
  ]);
});
