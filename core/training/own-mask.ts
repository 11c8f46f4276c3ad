import { assert } from "../errors.ts";
import type { Architecture, Recipe } from "../protocol/schemas/recipe.ts";
import { valuesAt } from "../tensors/values-at.ts";
import { seededBatches } from "./batches.ts";
import { type Examples, joinExamples, sliceExamples } from "./examples.ts";
import { estimateFisher, type FisherProgress } from "./fisher.ts";
import { chooseMask, type FisherPolicy } from "./mask-choice.ts";

/** A ticket's base, examples and seed. */
export type OwnTask = {
  readonly architecture: Architecture;
  /** The base's flat parameters [N]. */
  readonly parameters: Float32Array;
  readonly examples: Examples;
  readonly seed: number;
};

/** What a piece of work changes, and what its merge may weigh that by. */
export type PieceMask = {
  /** Ascending [k]. */
  readonly positions: Uint32Array;
  /** Fisher information there [k]; null where the merge does not ask for it. */
  readonly fisher: Float32Array | null;
};

/**
 * The mask of a piece of work: the `given` positions [k], or where it is the contributor's own (null) `count` that it chooses.
 * The Fisher information on the ticket's examples, which takes a while, is estimated only where that or the merge
 * rule needs it.
 */
export async function preparePieceMask(
  task: OwnTask,
  { mask, merge }: Pick<Recipe, "mask" | "merge">,
  { given, count }: { readonly given: Uint32Array | null; readonly count: number },
  options: OwnFisherOptions = {},
): Promise<PieceMask> {
  const isWeighed = merge.rule === "fisher";
  if (given !== null && !isWeighed) return { positions: given, fisher: null };
  assert(mask.fisher !== undefined, "a recipe for own masks or Fisher weights without mask.fisher");
  const fisher = await estimateOwnFisher(task, mask.fisher, options);
  const positions = given ?? chooseOwnMask(task, mask.fisher, { fisher, count });
  const weights = valuesAt(fisher, positions);
  return { positions, fisher: isWeighed ? weights : null };
}

type OwnFisherOptions = {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: FisherProgress) => void | Promise<void>;
};

/**
 * The Fisher information [N] that a ticket's own examples have on its base: of the policy's number of them, or
 * of all if there are fewer, those that come first in the ticket's order (protocol T8).
 */
export function estimateOwnFisher(
  { examples, seed, ...model }: OwnTask,
  policy: FisherPolicy,
  options: OwnFisherOptions = {},
): Promise<Float32Array> {
  const most = Math.min(policy.examples, examples.count);
  const chosen = Array.from(seededBatches(seed, examples.count, most).next().value, (i) =>
    sliceExamples(examples, i, i + 1),
  );
  return estimateFisher({ ...model, examples: joinExamples(chosen) }, options);
}

/** A contributor's own mask (protocol M8): drawn by the ticket's seed from its own Fisher information `fisher` [N]. */
export function chooseOwnMask(
  { architecture, seed }: OwnTask,
  policy: FisherPolicy,
  { fisher, count }: { readonly fisher: Float32Array; readonly count: number },
): Uint32Array {
  const drawn = { architecture, policy, fisher, protectedFisher: null, count };
  return chooseMask({ ...drawn, seed: `own ${seed}` });
}
