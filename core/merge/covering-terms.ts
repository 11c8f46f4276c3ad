import type { Merge, MergedStep } from "./mean.ts";
import {
  findBlock,
  findPosition,
  groupByMask,
  type MaskGroup,
  type MergeInput,
  SCALE_VALUES,
} from "./patch-sum.ts";
import { nextPosition } from "./window.ts";

/**
 * The delta at one position, times 4096, from the terms multiplier·scale·code of the patches that cover
 * it: `terms[from…to−1]`, at least one, in no particular order. Must not depend on that order; may sort them.
 */
export type Combine = (terms: Float64Array, from: number, to: number) => number;

const WINDOW_POSITIONS = 4096; // 1,000 patches that cover them all have 32 MiB of terms

/**
 * Merge by a rule that looks at all terms of a position at once: f32(base + outerStep · (combined / 4096)).
 * Memory grows with the entries in the patches, and for the terms with the cohort, not with N.
 */
export function mergeTerms({ base, inputs, outerStep }: Merge, combine: Combine): MergedStep {
  const groups = groupByMask(inputs, base.length);
  const entries = groups.reduce((sum, { positions }) => sum + positions.length, 0);
  const positions = new Uint32Array(Math.min(entries, base.length));
  const values = new Float32Array(positions.length);
  const cursors = new Uint32Array(groups.length);
  let length = 0;
  for (;;) {
    const start = nextPosition(groups, cursors, base.length);
    if (start === base.length) break;
    const parts = groups.map((group, g) => {
      const from = cursors[g]!;
      const bound = start + WINDOW_POSITIONS;
      const to = findPosition(group.positions, from, bound, WINDOW_POSITIONS);
      cursors[g] = to;
      return { group, from, to };
    });
    const { terms, ends } = gatherTerms(parts, start);
    for (let slot = 0, from = 0; slot < WINDOW_POSITIONS; slot++) {
      const to = ends[slot]!;
      if (to === from) continue;
      const position = start + slot;
      positions[length] = position;
      values[length] = base[position]! + outerStep * (combine(terms, from, to) / 4096);
      length++;
      from = to;
    }
  }
  return { positions: positions.subarray(0, length), values: values.subarray(0, length) };
}

/** The entries from…to−1 of a group. */
type Part = { readonly group: MaskGroup; readonly from: number; readonly to: number };

/** The terms of a window, position by position; `ends[slot]` is where those of start + slot end. */
function gatherTerms(
  parts: readonly Part[],
  start: number,
): { terms: Float64Array; ends: Uint32Array } {
  const ends = new Uint32Array(WINDOW_POSITIONS); // counts, then starts, then ends
  for (const { group, from, to } of parts) {
    for (let entry = from; entry < to; entry++) {
      ends[group.positions[entry]! - start]! += group.members.length;
    }
  }
  let total = 0;
  for (let slot = 0; slot < WINDOW_POSITIONS; slot++) {
    const count = ends[slot]!;
    ends[slot] = total;
    total += count;
  }
  const terms = new Float64Array(total);
  for (const part of parts) {
    for (const member of part.group.members) placeTerms(member, part, start, terms, ends);
  }
  return { terms, ends };
}

function placeTerms(
  { positions, codes, scales, multiplier }: MergeInput,
  { group, from, to }: Part,
  start: number,
  terms: Float64Array,
  ends: Uint32Array,
): void {
  if (from === to) return;
  let block = findBlock(group.blockBounds, from);
  for (let entry = from; entry < to; block++) {
    const end = Math.min(group.blockBounds[block + 1]!, to);
    const factor = multiplier * SCALE_VALUES[scales[block]!]!;
    for (; entry < end; entry++) {
      const slot = positions[entry]! - start;
      terms[ends[slot]!] = factor * codes[entry]!;
      ends[slot]!++;
    }
  }
}
