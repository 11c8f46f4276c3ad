import { mergeTerms } from "./covering-terms.ts";
import type { Merge, MergedStep } from "./mean.ts";

const TRIMMED_PER_SIDE = 4; // one in four from each side: the share of liars that the rules are designed for

/**
 * The mean without the ⌊n/4⌋ largest and the ⌊n/4⌋ smallest of a position's n terms (protocol G13), which
 * stays among the honest terms while at most that many lie. Yin et al. 2018, arXiv:1803.01498, def. 2.
 */
export function mergeTrimmedMean(merge: Merge): MergedStep {
  return mergeTerms(merge, (terms, from, to) => {
    const trimmed = Math.floor((to - from) / TRIMMED_PER_SIDE);
    terms.subarray(from, to).sort();
    let sum = 0;
    for (let i = from + trimmed; i < to - trimmed; i++) sum += terms[i]!;
    return sum / (to - from - 2 * trimmed);
  });
}
