/**
 * Σ over the examples of the squared gradient of each one's own loss → [N]; divided by their number
 * it is the empirical Fisher's diagonal (Sung, Nair & Raffel 2021, arXiv:2111.09839, §3.1).
 * `gradientOf(e)` is the dense gradient [N] of example e alone.
 */
export function fisherSums(
  examples: number,
  gradientOf: (example: number) => Float64Array,
): Float64Array {
  let sums = new Float64Array(); // [N], once the first gradient says how long
  for (let example = 0; example < examples; example++) {
    const gradient = gradientOf(example);
    if (example === 0) sums = new Float64Array(gradient.length);
    for (let p = 0; p < sums.length; p++) sums[p]! += gradient[p]! ** 2;
  }
  return sums;
}
