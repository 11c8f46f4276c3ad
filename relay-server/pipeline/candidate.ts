import { type PairedTestResult, pairedTest } from "../../core/gate/paired-test.ts";
import { clipNorm, cohortMultipliers, partMultipliers } from "../../core/merge/multiplier.ts";
import { mergeRules } from "../../core/merge/rules.ts";
import type { Metrics } from "../../core/protocol/schemas/version.ts";
import { createRandom } from "../../core/random.ts";
import type { Evaluator } from "./evaluation-thread.ts";
import type { Head } from "./head.ts";
import type { Member } from "./member.ts";
import { metricsOf } from "./metrics.ts";

/** The head with a cohort merged into it, not yet published. */
export type Candidate = {
  readonly members: readonly Member[];
  /** 0…4096 for each member. */
  readonly multipliers: readonly number[];
  /** Replacement values at ascending positions. */
  readonly step: { readonly positions: Uint32Array; readonly values: Float32Array };
};

/** The multiplier of each member of `cohort` beside all the others. */
export function weighCohort(
  head: Head,
  cohort: readonly Member[],
  mergedNorms: readonly number[],
): ReadonlyMap<Member, number> {
  const { merge, training } = head.recipe;
  const standings = cohort.map(({ row }) => ({
    norm: row.norm,
    merges: row.merged_before,
    lag: head.number - row.base,
    examples: row.examples,
  }));
  const multipliers = cohortMultipliers(standings, {
    clipNorm: clipNorm(mergedNorms, merge.clipFactor),
    newcomerWeight: merge.newcomerWeight,
    fullExamples: training.steps * training.batch,
  });
  return new Map(cohort.map((member, i) => [member, multipliers[i]!]));
}

/** Step 8 of the walk: merge `members`, some or all of the cohort that `weights` has, into the head. */
export function mergeCandidate(
  head: Head,
  members: readonly Member[],
  weights: ReadonlyMap<Member, number>,
): Candidate {
  const { merge } = head.recipe;
  const inCohort = members.map((member) => weights.get(member)!);
  const multipliers = partMultipliers(inCohort, weights.size);
  const inputs = members.map(({ patch, positions, segments }, i) => ({
    positions,
    segments,
    codes: patch.codes,
    scales: patch.scales,
    multiplier: multipliers[i]!,
  }));
  const { positions, values } = mergeRules[merge.rule]({
    base: head.parameters,
    inputs,
    outerStep: merge.outerStep,
  });
  return { members, multipliers, step: { positions: positions.slice(), values: values.slice() } };
}

/** Step 9 of the walk: whether `candidate` is shown to be no worse than the head, at the error rate `alpha`. */
export async function testCandidate(
  evaluator: Evaluator,
  head: Head,
  { step }: Pick<Candidate, "step">,
  alpha: number,
): Promise<PairedTestResult> {
  const { model, checkpoint, recipe } = head;
  const task = { model, set: "gate", checkpoint } as const;
  const parent = await evaluator.evaluate({ ...task, step: null });
  const candidate = await evaluator.evaluate({ ...task, step });
  // the test wants the examples in random order; another one for every version
  const order = shuffled(parent.losses.length, `gate ${head.id}`);
  const differences = Float32Array.from(order, (i) => candidate.losses[i]! - parent.losses[i]!);
  return pairedTest(differences, { ...recipe.gate, alpha });
}

/** How good `candidate` is on the report set. */
export async function reportOf(
  evaluator: Evaluator,
  { model, checkpoint }: Head,
  { step }: Pick<Candidate, "step">,
): Promise<Metrics> {
  return metricsOf(await evaluator.evaluate({ model, set: "report", checkpoint, step }));
}

function shuffled(size: number, seed: string): Uint32Array {
  const random = createRandom(seed);
  const order = Uint32Array.from({ length: size }, (_, i) => i);
  for (let last = size - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
