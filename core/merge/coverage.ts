/**
 * How many patches cover a position that any of them changes, on average: Σ kᵢ / |union of their masks|. Their number
 * where all have one mask, hardly more than 1 where each has its own. `size` is N; no patch is no coverage, 0.
 */
export function meanCoverage(
  patches: readonly { readonly positions: Uint32Array }[],
  size: number,
): number {
  const masks = new Set(patches.map(({ positions }) => positions));
  if (masks.size <= 1) return patches.length; // one array a mask, as a rule
  const covered = new Uint32Array(Math.ceil(size / 32));
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
