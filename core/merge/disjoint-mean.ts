import { mergeTerms } from "./covering-terms.ts";
import type { Merge, MergedStep } from "./mean.ts";

/**
 * The mean over the patches that have something to say at a position: those whose term is 0 are not
 * counted (protocol G11). The "disjoint merge" of Yadav et al. 2023, arXiv:2306.01708, without its election.
 */
export function mergeDisjointMean(merge: Merge): MergedStep {
  return mergeTerms(merge, (terms, from, to) => {
    let sum = 0;
    let count = 0;
    for (let i = from; i < to; i++) {
      sum += terms[i]!;
      if (terms[i] !== 0) count++;
    }
    return count === 0 ? 0 : sum / count;
  });
}
