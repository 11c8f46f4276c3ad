import { assert } from "../errors.ts";
import { DEFAULT_CLIP_NATS } from "../protocol/schemas/recipe.ts";

export type PairedTestRules = {
  /** Mean loss increase, in nats per example, that a candidate must be shown to stay below. */
  readonly marginNats: number;
  /** Mean loss increase that is no reason to fail, at most the margin; none where it is absent. */
  readonly toleratedNats?: number;
  /** Greatest probability of passing a candidate that is worse by the margin. */
  readonly alpha: number;
  /** Greatest probability of failing a candidate that is worse by no more than what is tolerated, before `maxExamples`. */
  readonly beta: number;
  /** Undecided after this many means no. */
  readonly maxExamples: number;
  /** Most that one example counts, in nats, above the margin. */
  readonly clipNats?: number | undefined;
};

/** What the test has seen up to its decision. */
export type PairedTestResult = {
  /** "undecided" asks for more examples, and is a no once `maxExamples` were seen. */
  readonly decision: "pass" | "fail" | "undecided";
  /** Differences that were looked at. */
  readonly examples: number;
  /** Their mean, unclipped but finite, in nats: candidate − parent. */
  readonly meanDifference: number;
  /** ln of the evidence against "worse by the margin"; passes at ln(1/alpha). */
  readonly logEvidencePass: number;
  /** ln of the evidence against "no worse than tolerated"; fails at ln(1/beta). */
  readonly logEvidenceFail: number;
};

const BOLDNESS = 0.9; // of the largest stake that cannot go bankrupt on one example
const PRIOR_VARIANCE = 0.01; // nats², worth one example: the first stakes need some variance

/**
 * Sequential test that a candidate is no worse than its parent, on `differences` [n] of paired
 * per-example losses (candidate − parent, nats) in random order, each clipped to ±`clipNats`.
 *
 * Two bets run side by side (Waudby-Smith & Ramdas 2023, "Estimating means of bounded random variables by
 * betting", arXiv:2010.09686, with the stakes they call aGRAPA): one against "the mean is the margin or
 * more", one against "the mean is what is tolerated or less". Under its hypothesis a bet's wealth is a non-negative
 * supermartingale, so it ever reaches 1/alpha (1/beta) with probability at most alpha (beta), whatever
 * the distribution and whenever one stops (Ville's inequality). An SPRT with a plug-in normal
 * variance passes losses with rare large rises too early, which is what a backdoor looks like.
 */
export function pairedTest(differences: Float32Array, rules: PairedTestRules): PairedTestResult {
  const { marginNats, toleratedNats = 0, alpha, beta, maxExamples } = rules;
  const { clipNats = DEFAULT_CLIP_NATS } = rules;
  assert(marginNats > 0 && marginNats < clipNats, `gate: margin ${marginNats}`);
  assert(toleratedNats >= 0 && toleratedNats <= marginNats, `gate: tolerated ${toleratedNats}`);
  assert(alpha > 0 && alpha < 1 && beta > 0 && beta < 1, `gate: alpha ${alpha}, beta ${beta}`);
  const passAt = -Math.log(alpha);
  const failAt = -Math.log(beta);
  const limit = Math.min(differences.length, maxExamples);
  let logEvidencePass = 0;
  let logEvidenceFail = 0;
  let sum = 0;
  const moments = { count: 1, sum: 0, squares: PRIOR_VARIANCE }; // of the clipped differences
  for (let i = 0; i < limit; i++) {
    const difference = differences[i]!;
    const clipped = difference <= clipNats ? Math.max(difference, -clipNats) : clipNats; // NaN too
    const gain = marginNats - clipped; // positive speaks against "worse by the margin"
    logEvidencePass += Math.log1p(passStake(moments, marginNats, clipNats) * gain);
    const excess = clipped - toleratedNats; // positive speaks against "no worse than tolerated"
    logEvidenceFail += Math.log1p(failStake(moments, toleratedNats, clipNats) * excess);
    sum += finite(difference);
    moments.count++;
    moments.sum += clipped;
    moments.squares += clipped * clipped;
    const result = { examples: i + 1, meanDifference: sum / (i + 1) };
    if (logEvidencePass >= passAt) {
      return { decision: "pass", ...result, logEvidencePass, logEvidenceFail };
    }
    if (logEvidenceFail >= failAt) {
      return { decision: "fail", ...result, logEvidencePass, logEvidenceFail };
    }
  }
  const meanDifference = limit === 0 ? 0 : sum / limit;
  return {
    decision: "undecided",
    examples: limit,
    meanDifference,
    logEvidencePass,
    logEvidenceFail,
  };
}

type Moments = { count: number; sum: number; squares: number };

/** A model that broke down is as much worse as a record can say: JSON has neither NaN nor infinities. */
function finite(nats: number): number {
  const most = Number.MAX_VALUE / 2 ** 32; // so that a sum of any number of examples is finite too
  return Number.isNaN(nats) ? most : Math.max(-most, Math.min(nats, most));
}

/** The stake against "mean ≥ margin": gain / (variance + gain²), from earlier differences only. */
function passStake({ count, sum, squares }: Moments, marginNats: number, clipNats: number): number {
  const mean = sum / count;
  const gain = Math.max(marginNats - mean, 0);
  const variance = squares / count - mean * mean;
  return Math.min(gain / (variance + gain * gain), BOLDNESS / (clipNats - marginNats));
}

/** The stake against "mean ≤ tolerated": the same for the excess above that. */
function failStake(
  { count, sum, squares }: Moments,
  toleratedNats: number,
  clipNats: number,
): number {
  const mean = sum / count;
  const excess = Math.max(mean - toleratedNats, 0);
  if (excess === 0) return 0;
  const variance = squares / count - mean * mean;
  return Math.min(excess / (variance + excess * excess), BOLDNESS / (clipNats + toleratedNats));
}
