import { MAX_MULTIPLIER } from "../protocol/limits.ts";
import { fisherTable } from "./fisher-table.ts";
import type { Merge, MergedStep } from "./mean.ts";
import { comparePatches } from "./patch-order.ts";
import {
  findBlock,
  groupByMask,
  type MaskGroup,
  type MergeInput,
  SCALE_VALUES,
} from "./patch-sum.ts";
import { nextPosition } from "./window.ts";

const STRIP_ENTRIES = 4096; // three sums of 32 KiB: they stay in the second-level cache over all patches
const WINDOW_POSITIONS = 1 << 14; // 128 KiB a sum; a window of a 0.5% mask still holds 82 entries

/**
 * The mean weighted by each patch's own Fisher information (protocol G15): at every position
 * f32(base + outerStep · (Σ weight·multiplier·scale·code / Σ weight / 4096)) over the patches that cover it, in
 * the order of `comparePatches`; their plain mean where none of them has weight. Weight · term is exact in
 * f64, the sums round. Time and memory grow with the entries, not with N. Matena & Raffel 2021, arXiv:2111.09832.
 */
export function mergeFisher({ base, inputs, outerStep }: Merge): MergedStep {
  const groups = groupByMask(inputs.toSorted(comparePatches), base.length);
  const tables = new Map(inputs.map((input) => [input, fisherTable(input.fisher)]));
  const [group] = groups;
  if (group !== undefined && groups.length === 1)
    return mergeOneMask(base, group, tables, outerStep);
  return mergeMasks(base, groups, tables, outerStep);
}

type Tables = ReadonlyMap<MergeInput, Float32Array>;

/** What is summed at each slot of a strip or window. */
type Sums = {
  /** Σ weight·multiplier·scale·code. */
  readonly terms: Float64Array;
  readonly weights: Float64Array;
  /** Σ multiplier·scale·code of the patches that weigh nothing at the slot … */
  readonly silentTerms: Float64Array;
  /** … and how many they are. */
  readonly silent: Uint16Array;
};

function createSums(slots: number): Sums {
  return {
    terms: new Float64Array(slots),
    weights: new Float64Array(slots),
    silentTerms: new Float64Array(slots),
    silent: new Uint16Array(slots),
  };
}

function mergeOneMask(
  base: Float32Array,
  group: MaskGroup,
  tables: Tables,
  outerStep: number,
): MergedStep {
  const { positions } = group;
  const values = new Float32Array(positions.length);
  const sums = createSums(STRIP_ENTRIES);
  const slots = Uint16Array.from({ length: STRIP_ENTRIES }, (_, i) => i);
  for (let from = 0; from < positions.length; from += STRIP_ENTRIES) {
    const to = Math.min(from + STRIP_ENTRIES, positions.length);
    addGroup(group, tables, from, to, slots, sums);
    for (let entry = from; entry < to; entry++) {
      values[entry] = base[positions[entry]!]! + outerStep * takeMean(sums, entry - from);
    }
  }
  return { positions, values };
}

/** Several masks: windows of the position space, each summed in small dense buffers. */
function mergeMasks(
  base: Float32Array,
  groups: readonly MaskGroup[],
  tables: Tables,
  outerStep: number,
): MergedStep {
  const entries = groups.reduce((sum, { positions }) => sum + positions.length, 0);
  const positions = new Uint32Array(Math.min(entries, base.length));
  const values = new Float32Array(positions.length);
  const sums = createSums(WINDOW_POSITIONS);
  const covered = new Int32Array(WINDOW_POSITIONS / 32); // a bit for each slot
  const slots = new Uint16Array(WINDOW_POSITIONS);
  const cursors = new Uint32Array(groups.length);
  let length = 0;
  for (;;) {
    const start = nextPosition(groups, cursors, base.length);
    if (start === base.length) break;
    groups.forEach((group, g) => {
      const from = cursors[g]!;
      const to = coverSlots(group.positions, from, start, slots, covered);
      if (to > from) addGroup(group, tables, from, to, slots, sums);
      cursors[g] = to;
    });
    const count = takeSlots(covered, slots);
    for (let i = 0; i < count; i++) {
      const position = start + slots[i]!;
      positions[length] = position;
      values[length] = base[position]! + outerStep * takeMean(sums, slots[i]!);
      length++;
    }
  }
  return { positions: positions.subarray(0, length), values: values.subarray(0, length) };
}

/** Add the entries `from`…`to`−1 of a group's patches, one after the other, at `slots` [to − from]. */
function addGroup(
  { members, blockBounds }: MaskGroup,
  tables: Tables,
  from: number,
  to: number,
  slots: Uint16Array,
  sums: Sums,
): void {
  const firstBlock = findBlock(blockBounds, from);
  for (const member of members) {
    addPatch(member, tables.get(member)!, blockBounds, firstBlock, from, to, slots, sums);
  }
}

function addPatch(
  { codes, scales, multiplier, fisher }: MergeInput,
  table: Float32Array,
  blockBounds: Uint32Array,
  firstBlock: number,
  from: number,
  to: number,
  slots: Uint16Array,
  { terms, weights, silentTerms, silent }: Sums,
): void {
  // without Fisher codes every byte weighs the same, and the codes' own are as good as any
  const keys = fisher ?? new Uint8Array(codes.buffer, codes.byteOffset, codes.length);
  let block = firstBlock;
  for (let entry = from; entry < to; block++) {
    const end = Math.min(blockBounds[block + 1]!, to);
    const factor = multiplier * SCALE_VALUES[scales[block]!]!;
    for (; entry < end; entry++) {
      const slot = slots[entry - from]!;
      const weight = table[keys[entry]!]!;
      const term = factor * codes[entry]!;
      terms[slot]! += weight * term;
      weights[slot]! += weight;
      if (weight === 0) {
        silentTerms[slot]! += term;
        silent[slot]!++;
      }
    }
  }
}

/** The mean at `slot`, which is emptied. Dividing by 4096 only moves the exponent. */
function takeMean({ terms, weights, silentTerms, silent }: Sums, slot: number): number {
  const weight = weights[slot]!;
  const silentPatches = silent[slot]!;
  const mean = weight === 0 ? silentTerms[slot]! / silentPatches : terms[slot]! / weight;
  terms[slot] = 0;
  weights[slot] = 0;
  if (silentPatches > 0) {
    silentTerms[slot] = 0;
    silent[slot] = 0;
  }
  return mean / MAX_MULTIPLIER;
}

/** Mark the window's slots that the positions from `from` on cover, list them, and return the first entry beyond. */
function coverSlots(
  positions: Uint32Array,
  from: number,
  start: number,
  slots: Uint16Array,
  covered: Int32Array,
): number {
  let entry = from;
  for (; entry < positions.length; entry++) {
    const slot = positions[entry]! - start;
    if (slot >= WINDOW_POSITIONS) break;
    slots[entry - from] = slot;
    covered[slot >>> 5]! |= 1 << (slot & 31);
  }
  return entry;
}

/** List the covered slots, ascending, clear them, and return how many there are. */
function takeSlots(covered: Int32Array, slots: Uint16Array): number {
  let count = 0;
  for (let word = 0; word < covered.length; word++) {
    let bits = covered[word]!;
    covered[word] = 0;
    while (bits !== 0) {
      slots[count] = 32 * word + 31 - Math.clz32(bits & -bits);
      count++;
      bits &= bits - 1;
    }
  }
  return count;
}
