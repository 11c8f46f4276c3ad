import type { MergeInput } from "./patch-sum.ts";

/**
 * An order of patches by what they hold alone: positions, codes, scales, Fisher codes (none first), then the
 * multiplier, each list as a dictionary orders words. Sums that round are taken in it, so that the order in
 * which a cohort arrives, or an array that it shares, cannot change a bit.
 */
export function comparePatches(a: MergeInput, b: MergeInput): number {
  return (
    compareNumbers(a.positions, b.positions) ||
    compareNumbers(a.codes, b.codes) ||
    compareNumbers(a.scales, b.scales) ||
    compareNumbers(a.fisher ?? [], b.fisher ?? []) ||
    a.multiplier - b.multiplier
  );
}

function compareNumbers(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
