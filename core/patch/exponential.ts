import type { Random } from "../random.ts";

const UINT32 = 0x1_0000_0000;

/**
 * An exponentially distributed number with mean 1, or Infinity once it is known to be `bound` or more: for
 * small bounds mostly after one draw. It compares uniform numbers and takes no logarithm, so every engine
 * gives the same: x stays if the numbers drawn after it, as far as they fall, are even in number, which
 * has probability exp(−x); else 1 is added. Source: von Neumann 1951, Various techniques used in connection with
 * random digits, §4; Karney 2016, arXiv:1303.6257, §2.
 */
export function exponentialBelow(random: Pick<Random, "uint32">, bound: number): number {
  for (let whole = 0; whole < bound; whole++) {
    const first = random.uint32();
    const value = whole + (first + 0.5) / UINT32;
    if (value >= bound) return Number.POSITIVE_INFINITY;
    let stays = true;
    let last = first;
    for (let next = random.uint32(); next < last; next = random.uint32()) {
      stays = !stays;
      last = next;
    }
    if (stays) return value;
  }
  return Number.POSITIVE_INFINITY;
}
