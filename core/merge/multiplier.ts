import { medianOf } from "../median.ts";
import { MAX_MULTIPLIER } from "../protocol/limits.ts";

/** Norms of merged work that the clip is taken from: the newest. */
export const CLIP_SAMPLE = 64;
export const NEWCOMER_MERGES = 10; // merges until a contributor counts in full
const TRUSTED_PER_NEWCOMER = 3; // newcomers are at most a quarter of a cohort's weight

/** What the weight of one contribution follows from. */
export type Standing = {
  /** Euclidean length of the dequantised delta. */
  readonly norm: number;
  /** Contributions of the same contributor that were merged in a row before. */
  readonly merges: number;
  /** Versions between the one it was trained on and the head. */
  readonly lag: number;
  /** Examples that were trained on, as the header says. */
  readonly examples: number;
};

export type WeighingRules = {
  /** Longest delta that enters unshortened; null while nothing was merged yet. */
  readonly clipNorm: number | null;
  /** Share of full weight of a contributor with fewer than 10 merges. */
  readonly newcomerWeight: number;
  /** Examples of a full piece of work; more do not count. */
  readonly fullExamples: number;
};

/**
 * The multiplier of one contribution by itself, an integer 0…4096 (protocol G5):
 * floor(4096 · clip · trust · examples / (1 + lag)). Only + − × ÷, so every engine agrees.
 */
export function multiplier(standing: Standing, rules: WeighingRules): number {
  const { norm, lag } = standing;
  const { clipNorm, fullExamples, newcomerWeight } = rules;
  const clip = clipNorm === null || norm <= clipNorm ? 1 : clipNorm / norm;
  const trust = isNewcomer(standing) ? newcomerWeight : 1;
  const examples = Math.min(1, standing.examples / fullExamples);
  return Math.floor((MAX_MULTIPLIER * clip * trust * examples) / (1 + lag));
}

/**
 * The multipliers of a cohort [n], in its order (protocol G6): each as above, and if anybody else is in the
 * cohort, those of newcomers are scaled down together until they are at most a quarter of the sum.
 * A cohort of newcomers alone stays as it is: a lone newcomer is merged, with `newcomerWeight`.
 */
export function cohortMultipliers(cohort: readonly Standing[], rules: WeighingRules): number[] {
  let newcomers = 0;
  let trusted = 0;
  const multipliers = cohort.map((standing) => {
    const own = multiplier(standing, rules);
    if (isNewcomer(standing)) newcomers += own;
    else trusted += own;
    return own;
  });
  if (trusted === 0 || newcomers * TRUSTED_PER_NEWCOMER <= trusted) return multipliers;
  return cohort.map((standing, i) => {
    const own = multipliers[i] ?? 0;
    if (!isNewcomer(standing)) return own;
    return Math.floor((own * trusted) / (TRUSTED_PER_NEWCOMER * newcomers));
  });
}

/**
 * The multipliers of a part of a cohort, from those that the part's patches have in the whole (protocol G10):
 * ⌊multiplier · part / cohort⌋ of the mean coverage of both, so that each patch moves the model as far as it
 * would beside all the others. A single patch at full strength is noise that honest work fails by.
 */
export function partMultipliers(
  multipliers: readonly number[],
  coverage: { readonly part: number; readonly cohort: number },
): number[] {
  return multipliers.map((own) => Math.floor((own * coverage.part) / coverage.cohort));
}

/**
 * The longest delta that enters unshortened: `clipFactor` times the median of `mergedNorms`, the norms
 * of merged, trusted work (protocol G7). A median, because up to half of them may lie. Null without any.
 */
export function clipNorm(mergedNorms: readonly number[], clipFactor: number): number | null {
  const median = medianOf(mergedNorms);
  return median === null ? null : clipFactor * median;
}

/** Whether a contributor is still to earn full weight. */
export function isNewcomer({ merges }: Pick<Standing, "merges">): boolean {
  return merges < NEWCOMER_MERGES;
}
