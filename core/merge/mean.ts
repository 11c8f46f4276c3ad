import { MAX_MULTIPLIER } from "../protocol/limits.ts";
import {
  groupByMask,
  type MaskGroup,
  type MergeInput,
  SCALE_VALUES,
  sumEntries,
} from "./patch-sum.ts";
import { nextPosition } from "./window.ts";

/** What a merge changes: replacement values, as a delta step publishes them. */
export type MergedStep = {
  /** Flat positions, strictly ascending: the union of the cohort's masks. */
  readonly positions: Uint32Array;
  /** New f32 values at `positions`. */
  readonly values: Float32Array;
};

/** A cohort and what it is merged into; every rule takes the same. */
export type Merge = {
  /** The parent's parameters [N]. */
  readonly base: Float32Array;
  readonly inputs: readonly MergeInput[];
  /** Factor on the merged delta. */
  readonly outerStep: number;
};

const STRIP_ENTRIES = 8192; // 64 KiB of sums: they stay in the second-level cache over all patches
const WINDOW_POSITIONS = 1 << 15; // 256 KiB of sums; a window of a 0.5% mask still holds 164 entries

/**
 * The weighted mean of a cohort's patches on `base` (protocol G1–G4): at every position that a patch
 * covers, f32(base + outerStep · (Σ multiplier·scale·code / (4096 · covering patches))). The sum is
 * exact, so any order of `inputs` gives the same bits. Time and memory grow with the entries in the
 * patches, not with N. After local SGD with an outer step: Douillard et al. 2023, arXiv:2311.08105.
 */
export function mergeMean({ base, inputs, outerStep }: Merge): MergedStep {
  const groups = groupByMask(inputs, base.length);
  const [group] = groups;
  if (group !== undefined && groups.length === 1) return mergeOneMask(base, group, outerStep);
  return mergeMasks(base, groups, outerStep);
}

function mergeOneMask(base: Float32Array, group: MaskGroup, outerStep: number): MergedStep {
  const { positions } = group;
  const values = new Float32Array(positions.length);
  const sums = new Float64Array(Math.min(STRIP_ENTRIES, positions.length));
  const divisor = MAX_MULTIPLIER * group.members.length;
  for (let from = 0; from < positions.length; from += STRIP_ENTRIES) {
    const to = Math.min(from + STRIP_ENTRIES, positions.length);
    sumEntries(group, from, to, sums);
    for (let entry = from; entry < to; entry++) {
      values[entry] = base[positions[entry]!]! + outerStep * (sums[entry - from]! / divisor);
    }
  }
  return { positions, values };
}

/** Several masks: windows of the position space, each summed in a small dense buffer. */
function mergeMasks(
  base: Float32Array,
  groups: readonly MaskGroup[],
  outerStep: number,
): MergedStep {
  const entries = groups.reduce((sum, { positions }) => sum + positions.length, 0);
  const positions = new Uint32Array(Math.min(entries, base.length));
  const values = new Float32Array(positions.length);
  const window = createWindow();
  const cursors = new Uint32Array(groups.length);
  const blocks = new Uint32Array(groups.length);
  let length = 0;
  for (;;) {
    const start = nextPosition(groups, cursors, base.length);
    if (start === base.length) break;
    for (let g = 0; g < groups.length; g++) {
      const group = groups[g]!;
      const from = cursors[g]!;
      const to = addToWindow(window, start, group, blocks[g]!, from);
      while (group.blockBounds[blocks[g]! + 1]! <= to) blocks[g]!++;
      cursors[g] = to;
    }
    length = drainWindow(window, start, base, outerStep, positions, values, length);
  }
  return { positions: positions.subarray(0, length), values: values.subarray(0, length) };
}

/** The positions start…start+32767 while their patches are summed. */
type Window = {
  /** Σ multiplier·scale·code; of covered slots only. */
  readonly sums: Float64Array;
  /** How many patches cover a slot besides the first. */
  readonly more: Uint16Array;
  /** One bit for each covered slot. */
  readonly covered: Int32Array;
};

function createWindow(): Window {
  return {
    sums: new Float64Array(WINDOW_POSITIONS),
    more: new Uint16Array(WINDOW_POSITIONS),
    covered: new Int32Array(WINDOW_POSITIONS / 32),
  };
}

/**
 * Add a group's entries from `from` on, which lies in block `firstBlock`, as far as the window goes;
 * returns the first beyond it. It is met on the way: to search for it would be to wait for memory.
 */
function addToWindow(
  window: Window,
  start: number,
  { positions, members, blockBounds }: MaskGroup,
  firstBlock: number,
  from: number,
): number {
  const { sums, more, covered } = window;
  let entry = from;
  for (let m = 0; m < members.length; m++) {
    const { codes, scales, multiplier } = members[m]!;
    entry = from;
    let block = firstBlock;
    let slot = 0;
    while (entry < positions.length && slot < WINDOW_POSITIONS) {
      const end = blockBounds[block + 1]!;
      const factor = multiplier * SCALE_VALUES[scales[block]!]!;
      for (; entry < end; entry++) {
        slot = positions[entry]! - start;
        if (slot >= WINDOW_POSITIONS) break;
        const term = factor * codes[entry]!;
        const word = slot >>> 5;
        const before = covered[word]!;
        const after = before | (1 << (slot & 31));
        if (after !== before) {
          covered[word] = after;
          sums[slot] = 0 + term; // a sum of one is not −0 either
        } else {
          sums[slot]! += term;
          more[slot]!++;
        }
      }
      block++;
    }
  }
  return entry;
}

/** Append the window's covered positions and their new values at `length`, and empty the window. */
function drainWindow(
  { sums, more, covered }: Window,
  start: number,
  base: Float32Array,
  outerStep: number,
  positions: Uint32Array,
  values: Float32Array,
  length: number,
): number {
  let next = length;
  for (let word = 0; word < covered.length; word++) {
    let bits = covered[word]!;
    while (bits !== 0) {
      const slot = 32 * word + 31 - Math.clz32(bits & -bits);
      bits &= bits - 1;
      const position = start + slot;
      positions[next] = position;
      const divisor = MAX_MULTIPLIER * (1 + more[slot]!);
      values[next] = base[position]! + outerStep * (sums[slot]! / divisor);
      more[slot] = 0;
      next++;
    }
    covered[word] = 0;
  }
  return next;
}
