import type { Architecture } from "../protocol/schemas/recipe.ts";
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

/**
 * The Fisher information [N] that a ticket's own examples have on its base: of the policy's number of them, or
 * of all if there are fewer, those that come first in the ticket's order (protocol T8).
 */
export function estimateOwnFisher(
  { examples, seed, ...model }: OwnTask,
  policy: FisherPolicy,
  options: {
    readonly signal?: AbortSignal;
    readonly onProgress?: (progress: FisherProgress) => void | Promise<void>;
  } = {},
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
