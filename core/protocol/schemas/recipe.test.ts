import { expect, test } from "vitest";
import { toyRecipe } from "../../../tests/fixtures/toy-judge.ts";
import { parseValue } from "../canonical-json.ts";
import { type Recipe, recipe } from "./recipe.ts";

const fisher = { examples: 8, damping: 0, outputShare: 0.1, vectorShare: 0.1, tensorCap: 0.5 };
const sound: Recipe = {
  ...toyRecipe,
  mask: { kind: "own", density: 0.2, epochVersions: 1, fisher },
};
const { gate } = sound;
const suite = { marginNats: 0.02, releaseMarginNats: 0.1 };

test("a recipe whose fields fit together is taken as it is", () => {
  const text: Recipe = { ...sound, gate: { ...gate, protected: { ...suite, clipNats: 0.11 } } };
  for (const one of [sound, text]) expect(parseValue("recipe", recipe, one)).toEqual(one);
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
])("$name: refused, with what is wrong", ({ bad, says }) => {
  expect(() => parseValue("recipe", recipe, bad)).toThrow(`recipe: ${says}`);
});
