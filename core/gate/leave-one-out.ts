import { medianOf } from "../median.ts";
import type { Candidate, MergeMembers } from "../merge/candidate.ts";
import { meanCoverage } from "../merge/coverage.ts";
import type { Member } from "../merge/member.ts";
import { MAX_MULTIPLIER } from "../protocol/limits.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { Judge } from "./judge.ts";

const SAMPLED_SHARE = 1 / 4; // of the cohorts: leaving each member out costs an evaluation a member
const MOST_MEMBERS = 64; // in a larger cohort the gate would wait for minutes
const CERTAIN_Z = 4; // one honest patch in 30,000 looks this bad by chance

/** Whether a cohort's members are each left out in turn, `lot` being drawn from [0, 1) for it. */
export function isSampled(cohort: readonly Member[], lot: number): boolean {
  return cohort.length <= MOST_MEMBERS && lot < SAMPLED_SHARE;
}

/**
 * The members without whom the candidate would do better on the score set, so clearly that it is no accident, and by
 * more than a score may rise for as much of a delta (protocol G17): late in training honest work, too, does a hair of
 * harm that thousands of examples can see. What the median member's absence gains is taken off: a cohort that goes too
 * far is better without any of its members, and that is no one's fault. Each is left out in turn, with multiplier 0, so
 * that the others move the model as far as before. Costs a pass over the score set a member, so it is done by sample.
 */
export async function harmfulMembers<M extends Member>(
  judge: Judge,
  { merge, recipe }: { readonly merge: MergeMembers<M>; readonly recipe: Recipe },
  { members, multipliers, step }: Candidate<M>,
): Promise<M[]> {
  const all = [0, recipe.data.heldOut.score] as const;
  const { losses } = await judge.evaluate("score", { head: step }, all);
  const { stepShare, toleranceNats } = recipe.score;
  const coverage = meanCoverage(members);
  const rises: Rise[] = [];
  for (const m of members.keys()) {
    const others = multipliers.map((own, i) => (i === m ? 0 : own));
    const without = await merge(members, others);
    const left = await judge.evaluate("score", { head: without }, all);
    rises.push(pairedRise(losses, left.losses));
  }
  const usual = Math.max(0, medianOf(rises.map(({ mean }) => mean)) ?? 0);
  return members.filter((_, m) => {
    const { mean, z } = rises[m]!;
    const share = multipliers[m]! / (MAX_MULTIPLIER * coverage); // of its delta in the candidate
    return z > CERTAIN_Z && mean - usual > (toleranceNats * share) / stepShare;
  });
}

/** What a member's being there does to the loss: the mean over the examples, and its z. */
type Rise = { readonly mean: number; readonly z: number };

/** The mean of `a` − `b` [n], and its z. */
function pairedRise(a: Float32Array, b: Float32Array): Rise {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!;
    sum += difference;
    squares += difference * difference;
  }
  const mean = sum / a.length;
  const variance = squares / a.length - mean * mean;
  return { mean, z: variance === 0 ? 0 : mean / Math.sqrt(variance / a.length) };
}
