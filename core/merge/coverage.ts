/**
 * How many patches cover a position that any of them changes, on average: Σ kᵢ / |union of their masks|, of masks that are
 * not empty. Their number where all have one mask, hardly more than 1 where each has its own; 0 of no patches.
 */
export function meanCoverage(patches: readonly { readonly positions: Uint32Array }[]): number {
  const masks = new Set(patches.map(({ positions }) => positions));
  if (masks.size <= 1) return patches.length; // one array a mask, as a rule
  const last = patches.reduce((most, { positions }) => Math.max(most, positions.at(-1) ?? 0), 0);
  const covered = new Uint32Array((last >>> 5) + 1); // a bit for each position
  let union = 0;
  let all = 0;
  for (const { positions } of patches) {
    all += positions.length;
    for (const position of positions) {
      const bit = 1 << (position & 31);
      const word = position >>> 5;
      if ((covered[word]! & bit) === 0) union++;
      covered[word]! |= bit;
    }
  }
  return all / union;
}
