// R rows (batch × time), I inputs, O outputs

/** y [R, O] = x [R, I] · weight [I, O] (+ bias [O]); the weight is input × output, as GPT-2's Conv1D. */
export function referenceLinear(
  x: Float64Array,
  weight: Float64Array,
  bias: Float64Array | null,
  { inputs: I, outputs: O }: { inputs: number; outputs: number },
): Float64Array {
  const R = x.length / I;
  const y = new Float64Array(R * O); // [R, O]
  for (let r = 0; r < R; r++) {
    for (let o = 0; o < O; o++) {
      let sum = bias === null ? 0 : bias[o]!;
      for (let i = 0; i < I; i++) sum += x[r * I + i]! * weight[i * O + o]!;
      y[r * O + o] = sum;
    }
  }
  return y;
}

/** The gradient of x: dx [R, I] = dy [R, O] · weightᵀ [O, I]. */
export function referenceLinearInputGradient(
  dy: Float64Array,
  weight: Float64Array,
  { inputs: I, outputs: O }: { inputs: number; outputs: number },
): Float64Array {
  const R = dy.length / O;
  const dx = new Float64Array(R * I); // [R, I]
  for (let r = 0; r < R; r++) {
    for (let i = 0; i < I; i++) {
      let sum = 0;
      for (let o = 0; o < O; o++) sum += dy[r * O + o]! * weight[i * O + o]!;
      dx[r * I + i] = sum;
    }
  }
  return dx;
}

/** The gradient of the weight: xᵀ [I, R] · dy [R, O] → [I, O]. */
export function linearWeightGradient(
  x: Float64Array,
  dy: Float64Array,
  { inputs: I, outputs: O }: { inputs: number; outputs: number },
): Float64Array {
  const every = Uint32Array.from({ length: I * O }, (_, position) => position);
  return sampledGradient(x, dy, every, { inputs: I, outputs: O });
}

/** The gradient of a bias: the column sums of dy [R, O] → [O]. */
export function referenceColumnSums(dy: Float64Array, O: number): Float64Array {
  const sums = new Float64Array(O); // [O]
  for (let p = 0; p < dy.length; p++) sums[p % O]! += dy[p]!;
  return sums;
}

/**
 * Only the masked entries of the weight's gradient xᵀ·dy: `positions` [k] are flat in [I, O] → [k].
 * A sampled dense-dense product: k dot products over the rows.
 */
export function sampledGradient(
  x: Float64Array,
  dy: Float64Array,
  positions: Uint32Array,
  { inputs: I, outputs: O }: { inputs: number; outputs: number },
): Float64Array {
  const R = x.length / I;
  return Float64Array.from(positions, (position) => {
    const i = Math.floor(position / O);
    const o = position % O;
    let sum = 0;
    for (let r = 0; r < R; r++) sum += x[r * I + i]! * dy[r * O + o]!;
    return sum;
  });
}

/**
 * Σ over the examples of the squared gradient of a weight [I, O], where each example owns
 * `rowsPerExample` consecutive rows of x [R, I] and dy [R, O]. The gradient is summed over an example's
 * rows before it is squared: the empirical Fisher of Sung, Nair & Raffel 2021, arXiv:2111.09839, §3.1,
 * times the number of examples.
 */
export function squaredGradientSums(
  x: Float64Array,
  dy: Float64Array,
  rowsPerExample: number,
  { inputs: I, outputs: O }: { inputs: number; outputs: number },
): Float64Array {
  const examples = x.length / I / rowsPerExample;
  const sums = new Float64Array(I * O); // [I, O]
  for (let example = 0; example < examples; example++) {
    const first = example * rowsPerExample;
    const last = first + rowsPerExample;
    const gradient = linearWeightGradient(
      x.subarray(first * I, last * I),
      dy.subarray(first * O, last * O),
      { inputs: I, outputs: O },
    );
    for (let p = 0; p < sums.length; p++) sums[p]! += gradient[p]! * gradient[p]!;
  }
  return sums;
}

/** matrix [rows, columns] → [columns, rows]. */
export function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  return matrix.map((_, p) => matrix[(p % rows) * columns + Math.floor(p / rows)]!);
}
