import { assert } from "../errors.ts";
import type { MaskPart } from "../models/operations.ts";
import type { Layout } from "../tensors/layout.ts";

/** A mask cut along the tensors of a layout. */
export type MaskParts = {
  /** Where each entry lies inside its own tensor, [k], in the mask's order. */
  readonly positions: Int32Array;
  /** The entries in each tensor; a tensor without any is absent. */
  readonly parts: ReadonlyMap<string, MaskPart>;
};

/** Cut the flat `positions` [k], strictly ascending and below the layout's size. */
export function cutMask(layout: Layout, positions: Uint32Array): MaskParts {
  const local = new Int32Array(positions.length);
  const parts = new Map<string, MaskPart>();
  let entry = 0;
  for (const { name, offset, size } of layout.tensors) {
    const start = entry;
    while (entry < positions.length && positions[entry]! < offset + size) {
      local[entry] = positions[entry]! - offset;
      entry++;
    }
    if (entry > start) parts.set(name, { start, count: entry - start });
  }
  assert(entry === positions.length, `mask: position ${positions[entry]} ≥ size ${layout.size}`);
  return { positions: local, parts };
}
