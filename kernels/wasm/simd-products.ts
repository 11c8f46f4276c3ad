import type { Product, SimdExports } from "./simd-module.ts";

// R rows

const LANES = 4;

/** The next multiple of four: a row of so many f32 is whole vectors. */
export function padded(length: number): number {
  return Math.ceil(length / LANES) * LANES;
}

/** The largest multiple of four up to `length`. */
export function wholeVectors(length: number): number {
  return length - (length % LANES);
}

/** y += the product of a, its first `R` rows, and b, four rows at a time. */
export function forRows(
  R: number,
  four: Product,
  one: Product,
  [y, a, b]: readonly [y: Float32Array, a: Float32Array, b: Float32Array],
  columns: number,
  depth: number,
): void {
  const [atY, atA, atB] = [y.byteOffset, a.byteOffset, b.byteOffset];
  let r = 0;
  for (; r + LANES <= R; r += LANES) {
    four(atY + 4 * r * columns, atA + 4 * r * depth, atB, columns, depth, columns, depth);
  }
  for (; r < R; r++) {
    one(atY + 4 * r * columns, atA + 4 * r * depth, atB, columns, depth, columns, depth);
  }
}

/** from [R, columns] → to [columns, rows], with zeros from R to `rows`, which is R or padded(R). */
export function transpose(
  simd: SimdExports,
  to: Float32Array,
  from: Float32Array,
  { R, columns, rows }: { R: number; columns: number; rows: number },
): void {
  const [wholeRows, wholeColumns] = [wholeVectors(R), wholeVectors(columns)];
  const strides = [4 * columns, 4 * rows] as const;
  let r = 0;
  const step = (count: 4 | 16) => {
    const run = count === 16 ? simd.transpose16 : simd.transpose4;
    for (; r + count <= wholeRows; r += count) {
      const first = from.byteOffset + 4 * r * columns;
      run(to.byteOffset + 4 * r, first, 4 * wholeColumns, ...strides);
    }
  };
  step(16);
  step(4);
  for (let c = 0; c < columns; c++) {
    const start = c < wholeColumns ? wholeRows : 0; // what is left of this column
    for (let row = start; row < rows; row++) {
      to[c * rows + row] = row < R ? from[row * columns + c]! : 0;
    }
  }
}
