import { createReference, type Reference } from "../gate/reference.ts";
import type { Training } from "../protocol/schemas/recipe.ts";
import type { Examples } from "./examples.ts";
import { type TrainingTask, trainDelta } from "./train.ts";

/**
 * The reference for work on one base and mask from `pieces`, each trained as a volunteer would
 * (protocol G16). More pieces make a surer reference: what they have in common adds up, their noise does not.
 */
export async function trainReference(
  {
    pieces,
    ...task
  }: Pick<TrainingTask, "architecture" | "parameters" | "positions"> & {
    readonly training: Training;
    readonly pieces: readonly { readonly examples: Examples; readonly seed: number }[];
  },
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Reference> {
  const deltas: Float32Array[] = [];
  for (const piece of pieces) {
    deltas.push((await trainDelta({ ...task, ...piece }, signal && { signal })).delta);
  }
  return createReference(deltas);
}
