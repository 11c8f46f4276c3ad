import { denominatorOf } from "../merge/rules.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { MergeInputRecord, VersionRecord } from "../protocol/schemas/version.ts";

/** What a version's record says of its merge, with `inputs` in any order: enough for anyone to replay it (protocol V6). */
export function mergeRecordOf(
  { rule, outerStep }: Pick<Recipe["merge"], "rule" | "outerStep">,
  inputs: readonly MergeInputRecord[],
): NonNullable<VersionRecord["merge"]> {
  return {
    rule,
    outerStep,
    denominator: denominatorOf(rule),
    step: "4-bit",
    inputs: inputs.toSorted((a, b) => (a.contribution < b.contribution ? -1 : 1)),
  };
}
