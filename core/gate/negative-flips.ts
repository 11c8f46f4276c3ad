import { assert } from "../errors.ts";

/** Examples that one model had right and a later one has wrong. */
export type NegativeFlips = {
  /** Right before and wrong after. */
  readonly flips: number;
  readonly rightBefore: number;
  /** flips / rightBefore; 0 if nothing was right before. */
  readonly share: number;
};

/**
 * Count the negative flips between two models from what they have right (1) or wrong (less), [n] each,
 * on the same examples. Yan et al. 2021, "Positive-congruent training", arXiv:2011.09161.
 */
export function countNegativeFlips(
  before: ArrayLike<number>,
  after: ArrayLike<number>,
): NegativeFlips {
  assert(before.length === after.length, "negative flips: two different sets of examples");
  let flips = 0;
  let rightBefore = 0;
  for (let i = 0; i < before.length; i++) {
    if (before[i] !== 1) continue;
    rightBefore++;
    if (after[i] !== 1) flips++;
  }
  return { flips, rightBefore, share: rightBefore === 0 ? 0 : flips / rightBefore };
}

/** Whether at most `budgetShare` of what was right has flipped (protocol G9). */
export function withinFlipBudget(
  { flips, rightBefore }: Pick<NegativeFlips, "flips" | "rightBefore">,
  budgetShare: number,
): boolean {
  return flips <= budgetShare * rightBefore;
}
