import { expect, test } from "vitest";
import { tinyRecipe } from "../tests/fixtures/tiny-model.ts";
import { changeRecipe, parseOptions } from "./options.ts";

test("a recipe is changed by paths, grows what is missing, and loses what is set to nothing", () => {
  const fisher = ["examples=8", "damping=1", "outputShare=0.1", "vectorShare=0.1", "tensorCap=0.5"];
  const changed = changeRecipe(tinyRecipe, [
    "merge.rule=median",
    "training.learningRate=0.5",
    ...fisher.map((each) => `mask.fisher.${each}`),
  ]);
  expect(changed).toMatchObject({
    merge: { rule: "median", outerStep: 1 },
    training: { learningRate: 0.5 },
    mask: { fisher: { examples: 8, tensorCap: 0.5 } },
  });
  expect(changeRecipe(changed as typeof tinyRecipe, ["mask.fisher="])).not.toHaveProperty(
    "mask.fisher",
  );
});

test("a change that leaves no recipe is said to", () => {
  expect(changeRecipe(tinyRecipe, ["merge.rule=best"])).toContain("merge.rule=best");
  expect(changeRecipe(tinyRecipe, ["training.steps="])).toContain("training.steps=");
});

test("a wrong attack, defence or share is named", () => {
  expect(parseOptions(["--attack", "charm"])).toContain("--attack charm");
  expect(parseOptions(["--without", "luck"])).toContain("--without luck");
  expect(parseOptions(["--liars", "2"])).toContain("--liars");
  expect(parseOptions(["--preset", "hope"])).toContain("--preset hope");
});
