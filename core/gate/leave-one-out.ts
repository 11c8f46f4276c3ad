import { type Candidate, mergeWeighted } from "../merge/candidate.ts";
import type { Member } from "../merge/member.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { Judge } from "./judge.ts";

const CERTAIN_Z = 4; // one honest patch in 30,000 looks this bad by chance

/**
 * The members without whom the candidate would do better on the score set, so clearly that it is no accident
 * (protocol G17). Each is left out in turn, with multiplier 0, so that the others move the model as far as before; a
 * paired z over the examples tells. Costs a pass over the score set a member, so it is done by sample.
 */
export async function harmfulMembers<M extends Member>(
  judge: Judge,
  { parameters, recipe }: { readonly parameters: Float32Array; readonly recipe: Recipe },
  { members, multipliers, step }: Candidate<M>,
): Promise<M[]> {
  const all = [0, recipe.data.heldOut.score] as const;
  const { losses } = await judge.evaluate("score", { head: step }, all);
  const harmful: M[] = [];
  for (const member of members) {
    const others = members.map((other, i) => (other === member ? 0 : multipliers[i]!));
    const without = mergeWeighted(parameters, members, others, recipe.merge);
    const left = await judge.evaluate("score", { head: without.step }, all);
    if (pairedZ(losses, left.losses) > CERTAIN_Z) harmful.push(member);
  }
  return harmful;
}

/** z of the mean of `a` − `b` [n]. */
function pairedZ(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!;
    sum += difference;
    squares += difference * difference;
  }
  const mean = sum / a.length;
  const variance = squares / a.length - mean * mean;
  return variance === 0 ? 0 : mean / Math.sqrt(variance / a.length);
}
