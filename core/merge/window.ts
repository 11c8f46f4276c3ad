import type { MaskGroup } from "./patch-sum.ts";

/** The first position from the groups' cursors on that any of them covers; `size` if none is left. */
export function nextPosition(
  groups: readonly MaskGroup[],
  cursors: Uint32Array,
  size: number,
): number {
  let next = size;
  for (let g = 0; g < groups.length; g++) {
    const position = groups[g]!.positions[cursors[g]!];
    if (position !== undefined && position < next) next = position;
  }
  return next;
}
