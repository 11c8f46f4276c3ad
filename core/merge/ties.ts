import { mergeTerms } from "./covering-terms.ts";
import type { Merge, MergedStep } from "./mean.ts";

/**
 * TIES: the sign with the larger total mass is elected, and the terms of that sign are averaged
 * (protocol G12). Yadav et al. 2023, arXiv:2306.01708, §4; its first step, trimming small values, has
 * been done by the mask and the 4-bit codes.
 */
export function mergeTies(merge: Merge): MergedStep {
  return mergeTerms(merge, (terms, from, to) => {
    let total = 0;
    for (let i = from; i < to; i++) total += terms[i]!;
    let sum = 0;
    let count = 0;
    for (let i = from; i < to; i++) {
      if (terms[i]! * total <= 0) continue; // terms are multiples of 2^-24: no product underflows
      sum += terms[i]!;
      count++;
    }
    return count === 0 ? 0 : sum / count;
  });
}
