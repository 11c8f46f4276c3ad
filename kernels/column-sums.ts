import type { MaskPart } from "../core/models/operations.ts";

/** Column sums of dy [R, O] at the part's positions, into its entries of `gradient`; 0 past the last column. */
export function columnSums(
  gradient: Float32Array,
  dy: Float32Array,
  positions: Int32Array,
  { start, count, R, O }: MaskPart & { readonly R: number; readonly O: number },
): void {
  for (let entry = start; entry < start + count; entry++) {
    let sum = 0;
    const column = positions[entry]!;
    if (column < O) for (let at = column; at < R * O; at += O) sum += dy[at]!;
    gradient[entry] = sum;
  }
}
