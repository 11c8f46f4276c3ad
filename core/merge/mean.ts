import { MAX_MULTIPLIER } from "../protocol/limits.ts";
import {
  findPosition,
  groupByMask,
  type MaskGroup,
  type MergeInput,
  sumEntries,
} from "./patch-sum.ts";

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
const WINDOW_POSITIONS = 1 << 16; // 512 KiB of sums; a window of a 0.5% mask still holds 328 entries

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
  let length = 0;
  for (;;) {
    let start = base.length;
    groups.forEach((group, g) => {
      start = Math.min(start, group.positions[cursors[g]!] ?? base.length);
    });
    if (start === base.length) break;
    groups.forEach((group, g) => {
      cursors[g] = addToWindow(window, start, group, cursors[g]!);
    });
    length = drainWindow(window, start, base, outerStep, positions, values, length);
  }
  return { positions: positions.subarray(0, length), values: values.subarray(0, length) };
}

/** Sums of the positions start…start+65535, how many patches cover each, and one bit for each covered one. */
type Window = {
  readonly sums: Float64Array;
  readonly coverage: Uint16Array;
  readonly covered: Uint32Array;
  /** Sums of one group's entries before they are spread over the window. */
  readonly strip: Float64Array;
};

function createWindow(): Window {
  return {
    sums: new Float64Array(WINDOW_POSITIONS),
    coverage: new Uint16Array(WINDOW_POSITIONS),
    covered: new Uint32Array(WINDOW_POSITIONS / 32),
    strip: new Float64Array(WINDOW_POSITIONS),
  };
}

/** Add the group's entries from `cursor` on that lie in the window; returns the first that does not. */
function addToWindow(window: Window, start: number, group: MaskGroup, cursor: number): number {
  const { positions } = group;
  const to = findPosition(positions, cursor, start + WINDOW_POSITIONS, WINDOW_POSITIONS);
  if (to === cursor) return to;
  const { sums, coverage, covered, strip } = window;
  sumEntries(group, cursor, to, strip);
  const patches = group.members.length;
  for (let entry = cursor; entry < to; entry++) {
    const slot = positions[entry]! - start;
    sums[slot]! += strip[entry - cursor]!;
    coverage[slot]! += patches;
    covered[slot >>> 5]! |= 1 << (slot & 31);
  }
  return to;
}

/** Append the window's covered positions and their new values at `length`, and empty the window. */
function drainWindow(
  { sums, coverage, covered }: Window,
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
      values[next] =
        base[position]! + outerStep * (sums[slot]! / (MAX_MULTIPLIER * coverage[slot]!));
      next++;
      sums[slot] = 0;
      coverage[slot] = 0;
    }
    covered[word] = 0;
  }
  return next;
}
