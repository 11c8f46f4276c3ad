import type { AddData, Deed, SignedAct } from "../../core/protocol/schemas/act.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { SuiteLife } from "../../core/protocol/schemas/suite.ts";
import type { SuiteTest } from "../../core/protocol/schemas/version.ts";
import { plural } from "./quantities.ts";

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

const HUB_NAME = /^[\w-][\w.-]*\/[\w.-]+$/;

/** Where the trained model that a community began with can be read about; null for a file's name. */
export function basePage(base: string): string | null {
  return HUB_NAME.test(base) ? `https://huggingface.co/${base}` : null;
}

/** The data that came after the model began, the first ones first. */
export function laterData(acts: readonly SignedAct[]): AddData[] {
  return acts.flatMap(({ record: { deed } }) => (deed.kind === "add-data" ? [deed] : []));
}

/** What a maintainer did, for people. */
export function describeDeed(deed: Deed): string {
  switch (deed.kind) {
    case "retire":
      return "Retired the model";
    case "unretire":
      return "Took the model up again";
    case "recipe":
      return "Changed the recipe";
    case "release-key":
      return "Vouched for the key that signs releases";
    case "release":
      return `Released version ${deed.version.number} as ${deed.tag}`;
    case "unrelease":
      return `Took the release ${deed.tag} back`;
    case "accept-suite":
      return `Accepted the suite ${deed.name}`;
    case "withdraw-suite":
      return `Withdrew the suite ${deed.name}`;
    case "add-data":
      return `Added ${plural(deed.examples, "example")} of data: ${deed.source} (${deed.licence})`;
  }
}
