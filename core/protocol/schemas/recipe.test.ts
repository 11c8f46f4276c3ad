import { expect, test } from "vitest";
import { gpt2, vit } from "../../../tests/fixtures/known-transformers.ts";
import { toyRecipe } from "../../../tests/fixtures/toy-judge.ts";
import { parseValue } from "../canonical-json.ts";
import { type Recipe, recipe } from "./recipe.ts";

const fisher = { examples: 8, damping: 0, outputShare: 0.1, vectorShare: 0.1, tensorCap: 0.5 };
const sound: Recipe = {
  ...toyRecipe,
  mask: { kind: "own", density: 0.2, epochVersions: 1, fisher },
};
const { gate } = sound;
const text = {
  ...sound,
  architecture: { ...gpt2({ vocabulary: 50, context: 8, layers: 1, channels: 4, heads: 1 }) },
};
const tokenizer = (names: readonly string[], more = {}) => {
  const files = names.map((name) => ({ name, sha256: "0".repeat(64), sizeBytes: 9 }));
  return { data: { ...sound.data, tokenizer: { files, ...more } } };
};
const suite = { marginNats: 0.02, releaseMarginNats: 0.1 };

test("a recipe whose fields fit together is taken as it is", () => {
  const guarded: Recipe = { ...sound, gate: { ...gate, protected: { ...suite, clipNats: 0.11 } } };
  const worded = {
    ...text,
    ...tokenizer(["tokenizer_config.json", "tokenizer.json"], { end: 49 }),
  };
  for (const one of [sound, guarded, worded])
    expect(parseValue("recipe", recipe, one)).toEqual(one);
});

test.each([
  {
    name: "own masks without a policy",
    bad: { ...sound, mask: { ...sound.mask, fisher: undefined } },
    says: "mask.fisher: missing, and masks of kind own must know how",
  },
  {
    name: "weights without a policy",
    bad: {
      ...sound,
      mask: { kind: "random", density: 0.2, epochVersions: 1 },
      merge: { ...sound.merge, rule: "fisher" },
    },
    says: "mask.fisher: missing, and merging by fisher must know how",
  },
  {
    name: "a cap below the density",
    bad: { ...sound, mask: { ...sound.mask, density: 0.6 } },
    says: "mask.fisher.tensorCap: 0.5 leaves no room for a density of 0.6",
  },
  {
    name: "a margin that no example can reach",
    bad: { ...sound, gate: { ...gate, marginNats: 0.1, clipNats: 0.1 } },
    says: "gate.clipNats: 0.1 is not above the margin of 0.1",
  },
  {
    name: "such a margin without a clip of its own",
    bad: { ...sound, gate: { ...gate, marginNats: 4, clipNats: undefined } },
    says: "gate.clipNats: 4 is not above the margin of 4",
  },
  {
    name: "such a margin of a release on the protected suite",
    bad: { ...sound, gate: { ...gate, protected: { ...suite, clipNats: 0.05 } } },
    says: "gate.protected.clipNats: 0.05 is not above the margin of 0.1",
  },
  {
    name: "T11: a tokenizer of a model that reads no text",
    bad: { ...sound, ...tokenizer(["tokenizer.json"]) },
    says: "data.tokenizer.files: a tokenizer, and the model does not read text",
  },
  {
    name: "T11: a tokenizer's config alone",
    bad: { ...text, ...tokenizer(["tokenizer_config.json"]) },
    says: "data.tokenizer.files: no tokenizer.json among them",
  },
  {
    name: "T11: a tokenizer twice",
    bad: { ...text, ...tokenizer(["tokenizer.json", "tokenizer.json"]) },
    says: "data.tokenizer.files: tokenizer.json twice",
  },
  {
    name: "T11: a last token that the model does not know",
    bad: { ...text, ...tokenizer(["tokenizer.json"], { end: 50 }) },
    says: "data.tokenizer.end: token 50 ≥ vocabulary 50",
  },
  {
    name: "classes that a transformer of images has no outputs for",
    bad: {
      ...sound,
      architecture: vit({ side: 4, patch: 2, layers: 1, channels: 4, heads: 1, classes: 3 }),
      data: { ...sound.data, classes: ["a", "b"] },
    },
    says: "data.classes: 2 names for 3 outputs",
  },
])("$name: refused, with what is wrong", ({ bad, says }) => {
  expect(() => parseValue("recipe", recipe, bad)).toThrow(`recipe: ${says}`);
});
