import { mergeTerms } from "./covering-terms.ts";
import type { Merge, MergedStep } from "./mean.ts";

/**
 * The median of a position's terms, the mean of the two in the middle if their number is even
 * (protocol G14). It stays among the honest terms while fewer than half lie. Yin et al. 2018,
 * arXiv:1803.01498, def. 1.
 */
export function mergeMedian(merge: Merge): MergedStep {
  return mergeTerms(merge, (terms, from, to) => {
    terms.subarray(from, to).sort();
    const lower = terms[(from + to - 1) >>> 1]!;
    const upper = terms[(from + to) >>> 1]!;
    return (lower + upper) / 2;
  });
}
