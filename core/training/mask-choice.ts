import { modelOf } from "../models/registry.ts";
import { fisherPositions, vectorNames } from "../patch/fisher-mask.ts";
import type { Architecture, Recipe } from "../protocol/schemas/recipe.ts";
import { createLayout } from "../tensors/layout.ts";

/** How a recipe chooses masks by Fisher information. */
export type FisherPolicy = NonNullable<Recipe["mask"]["fisher"]>;

/**
 * The mask of `count` positions that the policy draws (protocol M7), ascending [count]: the output layer's tensors have
 * one quota, all other vectors, which are biases and norms, another.
 */
export function chooseMask({
  architecture,
  policy,
  fisher,
  protectedFisher,
  count,
  seed,
}: {
  readonly architecture: Architecture;
  readonly policy: FisherPolicy;
  /** [N] */
  readonly fisher: Float32Array;
  /** Of the protected suite [N]; null without one. */
  readonly protectedFisher: Float32Array | null;
  readonly count: number;
  readonly seed: string;
}): Uint32Array {
  const { shapes, outputs } = modelOf(architecture);
  const layout = createLayout(shapes);
  const vectors = vectorNames(layout).filter((name) => !outputs.includes(name));
  return fisherPositions({
    fisher,
    layout,
    count,
    seed,
    protectedFisher,
    damping: policy.damping,
    quotas: [
      { tensors: outputs, share: policy.outputShare },
      { tensors: vectors, share: policy.vectorShare },
    ],
    caps: { ofTensor: policy.tensorCap, ofMask: 1 },
  });
}
