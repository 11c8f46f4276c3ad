import type { Similarity } from "../patch/similarity.ts";
import { OK, refuse, type Verdict } from "../protocol/reject-codes.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";

// Quantised deltas of WebGPU, wasm and plain TypeScript agree to 0.999. Half the steps, rescaled, reach 0.90 on digits and
// 0.95 on presidents; 45 of 50 steps 0.985 and 0.991 (npm run bench -- spot-check).
const LEAST_COSINE = 0.995;
const LEAST_RATIO = 0.95; // the honest pairs differ in length by less than a thousandth
const MOST_RATIO = 1.05;

// Of digits' 4,071 positions all are the same on wasm and in plain TypeScript, and still where each value of the Fisher information is a
// thousandth off; 0.999 where it is a hundredth off. Half of the examples reach 0.91, other examples 0.87.
const LEAST_MASK_SHARE = 0.99;

/** What a second look at a contribution's ticket found. */
export type SpotCheck = {
  /** Of an own mask the share that the ticket leads to; null where the mask was given. */
  readonly maskShare: number | null;
  /** Of what was sent and the second training; null where the mask was another already, so that nothing was trained. */
  readonly similarity: Similarity | null;
};

/** Whether a contribution is what its ticket leads to, positions and values (protocol G19). */
export function validateSpotCheck({ maskShare, similarity }: SpotCheck): Verdict {
  if (maskShare !== null && !isOwnMask(maskShare)) {
    return refuse("mask-mismatch", "its positions are not those that the ticket's data leads to");
  }
  if (similarity !== null && isSameWork(similarity)) return OK;
  return refuse("spot-check-failed", "the same piece, trained a second time, came out differently");
}

/** Whether so large a share of an own mask is what the ticket leads to, on whatever device it was chosen. */
export function isOwnMask(maskShare: number): boolean {
  return maskShare >= LEAST_MASK_SHARE;
}

/**
 * The share of the positions `again` [k] that a ticket leads to which `sent` has, both ascending. Fewer positions than the ticket asks for
 * are a choice, too.
 */
export function maskShareOf(sent: Uint32Array, again: Uint32Array): number {
  let shared = 0;
  let at = 0;
  for (const position of again) {
    while (at < sent.length && sent[at]! < position) at++;
    if (sent[at] === position) shared++;
  }
  return shared / again.length;
}

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
