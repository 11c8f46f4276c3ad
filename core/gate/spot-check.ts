import type { Similarity } from "../patch/similarity.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";

// Quantised deltas of WebGPU, wasm and plain TypeScript agree to 0.999. Half the steps, rescaled, reach 0.90 on digits and
// 0.95 on presidents; 45 of 50 steps 0.985 and 0.991 (npm run bench -- spot-check).
const LEAST_COSINE = 0.995;
const LEAST_RATIO = 0.95; // the honest pairs differ in length by less than a thousandth
const MOST_RATIO = 1.05;

/**
 * Whether a patch and a second training of its ticket, with the same base, shards, seed and mask, are the same work, on
 * whatever device it was done (protocol G19). `similarity` is of both as quantised values: to the second training
 * as it is, honest work would have a cosine of 0.994.
 */
export function isSameWork({ cosine, normRatio }: Similarity): boolean {
  return cosine >= LEAST_COSINE && normRatio >= LEAST_RATIO && normRatio <= MOST_RATIO;
}

/**
 * Whether a contribution is trained a second time: of most a share, drawn by `lot` in [0, 1), but everything of a
 * contributor whose work has failed a check before. If failures were forgotten, who does half of the work would get as
 * much of it merged between two checks as before the first.
 */
export function needsSpotCheck(
  { hasFailed }: { readonly hasFailed: boolean },
  { spotCheckShare }: Pick<Recipe["score"], "spotCheckShare">,
  lot: number,
): boolean {
  return spotCheckShare > 0 && (hasFailed || lot < spotCheckShare);
}
