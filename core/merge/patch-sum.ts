import { assert } from "../errors.ts";
import { blockStarts } from "../patch/quantiser.ts";
import { MAX_MULTIPLIER } from "../protocol/limits.ts";
import { decodeHalf } from "../tensors/half.ts";

export const MAX_MERGE_INPUTS = 16_384; // 2^14 × 7·2^36 units of 2^-24 stay under 2^53, so sums are exact

/** One decoded patch as it enters a merge. */
export type MergeInput = {
  /** Flat positions [k], strictly ascending. Patches of one mask pass the very same array. */
  readonly positions: Uint32Array;
  /** Quantised values [k], −7…7. */
  readonly codes: Int8Array;
  /** Bits of an f16 in [0, 1] for each block of 64 values; blocks restart at each segment. */
  readonly scales: Uint16Array;
  /** Where each tensor's part starts in [k], ascending. */
  readonly segments: Uint32Array;
  /** Integer 0…4096: the weight with which the patch enters. */
  readonly multiplier: number;
  /** Fisher codes of the values [k], for the rule that asks for them; null where the patch has none. */
  readonly fisher: Uint8Array | null;
};

/** The patches of a cohort that share one mask, in blocks. */
export type MaskGroup = {
  readonly positions: Uint32Array;
  /** First entry of each block, and k at the end. */
  readonly blockBounds: Uint32Array;
  readonly members: readonly MergeInput[];
};

/** The f64 values of all f16 bit patterns from 0 to 1 (0x3c00). */
export const SCALE_VALUES = Float64Array.from({ length: 0x3c01 }, (_, bits) => decodeHalf(bits));

/** Group a cohort by the identity of its position arrays, in order of first appearance. */
export function groupByMask(inputs: readonly MergeInput[], size: number): MaskGroup[] {
  assert(inputs.length > 0 && inputs.length <= MAX_MERGE_INPUTS, `merge of ${inputs.length}`);
  const groups = new Map<Uint32Array, { blockBounds: Uint32Array; members: MergeInput[] }>();
  for (const input of inputs) {
    const { positions, codes, scales, multiplier, fisher } = input;
    const group = groups.get(positions) ?? {
      blockBounds: blockBounds(input.segments, positions.length),
      members: [],
    };
    assert(codes.length === positions.length, "merge: codes and positions differ in length");
    assert(fisher === null || fisher.length === codes.length, "merge: not one Fisher code a value");
    assert(scales.length === group.blockBounds.length - 1, "merge: not one scale a block");
    assert((positions.at(-1) ?? 0) < size, "merge: position past the model");
    assert(
      Number.isInteger(multiplier) && multiplier >= 0 && multiplier <= MAX_MULTIPLIER,
      `merge: multiplier ${multiplier}`,
    );
    group.members.push(input);
    groups.set(positions, group);
  }
  return Array.from(groups, ([positions, group]) => ({ positions, ...group }));
}

function blockBounds(segments: Uint32Array, entries: number): Uint32Array {
  const starts = blockStarts(segments, entries);
  const bounds = new Uint32Array(starts.length + 1);
  bounds.set(starts);
  bounds[starts.length] = entries;
  return bounds;
}

/** Index of the block that holds `entry`. */
export function findBlock(blockBounds: Uint32Array, entry: number): number {
  let low = 0;
  let high = blockBounds.length - 1; // blockBounds[low] <= entry < blockBounds[high]
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (blockBounds[middle]! <= entry) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * Write Σ multiplier·scale·code over the group's members for the entries `from`…`to`−1 into `sums`
 * from index 0. Every term and every sum is a multiple of 2^-24 below 2^29, so f64 is exact and the
 * order of the members cannot matter (protocol G2).
 */
export function sumEntries(group: MaskGroup, from: number, to: number, sums: Float64Array): void {
  const { members, blockBounds } = group;
  sums.fill(0, 0, to - from);
  const firstBlock = findBlock(blockBounds, from);
  for (let m = 0; m < members.length; m += 2) {
    const one = members[m]!;
    const other = members[m + 1] ?? { ...one, multiplier: 0 };
    addPair(one, other, blockBounds, firstBlock, from, to, sums);
  }
}

/** Two patches at once, so that the sums are read and written half as often. */
function addPair(
  one: MergeInput,
  other: MergeInput,
  blockBounds: Uint32Array,
  firstBlock: number,
  from: number,
  to: number,
  sums: Float64Array,
): void {
  const { codes: codes1, scales: scales1, multiplier: multiplier1 } = one;
  const { codes: codes2, scales: scales2, multiplier: multiplier2 } = other;
  let block = firstBlock;
  for (let entry = from; entry < to; block++) {
    const end = Math.min(blockBounds[block + 1]!, to);
    const factor1 = multiplier1 * SCALE_VALUES[scales1[block]!]!;
    const factor2 = multiplier2 * SCALE_VALUES[scales2[block]!]!;
    for (; entry < end; entry++) {
      sums[entry - from]! += factor1 * codes1[entry]! + factor2 * codes2[entry]!;
    }
  }
}

/**
 * Index of the first of the ascending `positions` from `from` on that is ≥ `bound`, where at most
 * `most` lie below it.
 */
export function findPosition(
  positions: Uint32Array,
  from: number,
  bound: number,
  most: number,
): number {
  let low = from;
  let high = Math.min(positions.length, from + most);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (positions[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
