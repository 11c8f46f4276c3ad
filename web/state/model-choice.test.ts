import { expect, test } from "vitest";
import { card } from "../../tests/browser/web/relay-data.ts";
import { chooseModel } from "./model-choice.ts";

const other = { ...card, recipe: { ...card.recipe, id: "presidents" } };

test("an address without a model means the first one", () => {
  expect(chooseModel([card, other], null)).toBe(card);
  expect(chooseModel([], null)).toBe(null);
});

test("an address that names a model means that one, and never another", () => {
  expect(chooseModel([card, other], "presidents")).toBe(other);
  expect(chooseModel([card, other], "unknown")).toBe(null);
});
