import type { MergeRule } from "../protocol/schemas/recipe.ts";
import type { Denominator } from "../protocol/schemas/version.ts";
import { mergeDisjointMean } from "./disjoint-mean.ts";
import { mergeFisher } from "./fisher.ts";
import { type Merge, type MergedStep, mergeMean } from "./mean.ts";
import { mergeMedian } from "./median.ts";
import { mergeTies } from "./ties.ts";
import { mergeTrimmedMean } from "./trimmed-mean.ts";

/** Every rule that a recipe may choose; a version's record names the one that made it. */
export const mergeRules: Record<MergeRule, (merge: Merge) => MergedStep> = {
  mean: mergeMean,
  fisher: mergeFisher,
  "disjoint-mean": mergeDisjointMean,
  ties: mergeTies,
  "trimmed-mean": mergeTrimmedMean,
  median: mergeMedian,
};

/** What a record says of the rule's divisor. */
export function denominatorOf(rule: MergeRule): Denominator {
  if (rule === "mean") return "4096*coverage";
  return rule === "fisher" ? "4096*fisher" : "4096*counted";
}
