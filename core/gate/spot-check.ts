import type { Recipe } from "../protocol/schemas/recipe.ts";

/** Two trainings of the same ticket, compared: same base, shards, seed and mask (protocol G19). */
export type Comparison = {
  readonly cosine: number;
  /** Length of the delta that was sent, over that of the second training. */
  readonly normRatio: number;
};

// Quantised deltas of WebGPU, wasm and plain TypeScript agree to 0.999. Half the steps, rescaled, reach 0.90 on digits and
// 0.95 on presidents; 45 of 50 steps 0.985 and 0.991 (npm run bench -- spot-check).
const LEAST_COSINE = 0.995;
const LEAST_RATIO = 0.95; // the honest pairs differ in length by less than a thousandth
const MOST_RATIO = 1.05;

/**
 * How `sent` [k] compares with `again` [k], the relay's own training of the same ticket. Both are what quantised values
 * stand for: against the second training as it is, honest work would have a cosine of 0.994.
 */
export function compareTrainings(sent: Float32Array, again: Float32Array): Comparison {
  let product = 0;
  let sentSquares = 0;
  let againSquares = 0;
  for (let i = 0; i < sent.length; i++) {
    product += sent[i]! * again[i]!;
    sentSquares += sent[i]! * sent[i]!;
    againSquares += again[i]! * again[i]!;
  }
  const lengths = Math.sqrt(sentSquares * againSquares);
  return {
    cosine: lengths === 0 ? 0 : product / lengths,
    normRatio: againSquares === 0 ? 0 : Math.sqrt(sentSquares / againSquares),
  };
}

/** Whether both can be the work that the ticket asks for, on whatever device it was done. */
export function isSameWork({ cosine, normRatio }: Comparison): boolean {
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
