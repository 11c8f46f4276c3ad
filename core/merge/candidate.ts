import type { Recipe } from "../protocol/schemas/recipe.ts";
import { meanCoverage } from "./coverage.ts";
import type { Member } from "./member.ts";
import { clipNorm, cohortMultipliers, partMultipliers } from "./multiplier.ts";
import type { MergeInput } from "./patch-sum.ts";
import { type QuantisedStep, quantiseStep } from "./quantised-step.ts";
import { mergeRules } from "./rules.ts";

/** The head with some or all of a cohort merged into it, not yet published. */
export type Candidate<M extends Member> = {
  readonly members: readonly M[];
  /** 0…4096 for each member. */
  readonly multipliers: readonly number[];
  readonly step: QuantisedStep;
};

/**
 * The multiplier of each member of a cohort beside all the others (protocol G5–G7): ⌊√(coverage / n) · its own⌋. On one mask
 * they are averaged, and that is 1. On masks of their own n patches add up, each mending the same mistakes with other
 * parameters: in full they go far past what any of them meant.
 */
export function weighCohort<M extends Member>(
  cohort: readonly M[],
  mergedNorms: readonly number[],
  { merge, training }: Recipe,
): ReadonlyMap<M, number> {
  const multipliers = cohortMultipliers(cohort, {
    clipNorm: clipNorm(mergedNorms, merge.clipFactor),
    newcomerWeight: merge.newcomerWeight,
    fullExamples: training.steps * training.batch,
  });
  const shorten = Math.sqrt(meanCoverage(cohort) / cohort.length);
  return new Map(cohort.map((member, i) => [member, Math.floor(shorten * multipliers[i]!)]));
}

/** Merges members of a cohort, each with a multiplier that is given, into the head: here (`mergeHere`), or in another thread. */
export type MergeMembers<M> = (
  members: readonly M[],
  multipliers: readonly number[],
) => Promise<QuantisedStep>;

/** Have `members`, some or all of the cohort that `weights` has, merged into the head. */
export async function mergeCandidate<M extends Member>(
  merge: MergeMembers<M>,
  members: readonly M[],
  weights: ReadonlyMap<M, number>,
): Promise<Candidate<M>> {
  const inCohort = members.map((member) => weights.get(member)!);
  const multipliers = partMultipliers(inCohort, {
    part: meanCoverage(members),
    cohort: meanCoverage([...weights.keys()]),
  });
  return { members, multipliers, step: await merge(members, multipliers) };
}

/** How a recipe merges. */
export type MergeRules = Pick<Recipe["merge"], "rule" | "outerStep">;

/** Merge into `parameters` [N]. A member with multiplier 0 keeps its place and moves nothing. */
export function mergeWeighted(
  parameters: Float32Array,
  members: readonly Omit<MergeInput, "multiplier">[],
  multipliers: readonly number[],
  { rule, outerStep }: MergeRules,
): QuantisedStep {
  const inputs = members.map((member, i) => ({ ...member, multiplier: multipliers[i]! }));
  const merged = mergeRules[rule]({ base: parameters, inputs, outerStep });
  return quantiseStep(parameters, merged);
}

/** Merges into `parameters` [N] in the thread that asks. */
export function mergeHere(parameters: Float32Array, rules: MergeRules): MergeMembers<Member> {
  return async (members, multipliers) => mergeWeighted(parameters, members, multipliers, rules);
}
