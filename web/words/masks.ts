import type { Mask } from "../../core/protocol/schemas/mask.ts";
import type { MergeRule } from "../../core/protocol/schemas/recipe.ts";
import { formatCount, formatShare } from "./quantities.ts";

/** How a mask's parameters are chosen, to follow "of the parameters". */
export const CHOICES: Record<Mask["kind"], string> = {
  random: "chosen at random",
  shared: "chosen by what matters",
  own: "chosen for your data",
};

/** A version's mask, where nobody in particular is spoken to: "4,070 parameters (2%), chosen at random". */
export function describeMask({ kind, count }: Mask, parameters: number): string {
  const choice = kind === "own" ? "chosen by each contributor for its data" : CHOICES[kind];
  return `${formatCount(count)} parameters (${formatShare(count / parameters)}), ${choice}`;
}

/** How a cohort's patches become one, to follow "Each parameter becomes". */
export const RULES: Record<MergeRule | "fisher", string> = {
  mean: "the weighted mean of the patches",
  fisher: "the mean of the patches, weighted by how much each is sure of it",
  "disjoint-mean": "the mean of the patches that change it",
  ties: "the mean of the patches on the side that outweighs the other",
  "trimmed-mean": "the mean of the patches without the largest and the smallest quarter",
  median: "the median of the patches",
};
