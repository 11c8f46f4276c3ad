import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { SuiteLife } from "../protocol/schemas/suite.ts";
import type { SuiteTest } from "../protocol/schemas/version.ts";

/** How much worse a candidate may be by a test, in nats an example: as its record says, or else the recipe or the suite; null where neither tells. */
export function allowedNats(
  { suite, against, marginNats }: SuiteTest,
  { gate }: Pick<Recipe, "gate">,
  suites: readonly SuiteLife[],
): number | null {
  if (marginNats !== undefined) return marginNats;
  if (suite === "gate") return gate.marginNats;
  if (suite === "protected") {
    const rules = gate.protected;
    return (against === "parent" ? rules?.marginNats : rules?.releaseMarginNats) ?? null;
  }
  return suites.find(({ header }) => header.name === suite)?.header.marginNats ?? null;
}
