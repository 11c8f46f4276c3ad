import type { NormKind } from "../transformer-operations.ts";

// R rows (batch × time), C channels

/** y [R, C] = (x − mean) / √(variance + ε) · weight [C] + bias [C], over the channels of each row; an RMS norm takes no mean off and has no bias. */
export function referenceNorm(
  x: Float64Array,
  weight: Float64Array,
  bias: Float64Array | null,
  kind: NormKind,
): Float64Array {
  const C = weight.length;
  const y = new Float64Array(x.length); // [R, C]
  for (let row = 0; row < x.length; row += C) {
    const { normal } = normalise(x.subarray(row, row + C), kind);
    for (let c = 0; c < C; c++) y[row + c] = normal[c]! * weight[c]! + (bias?.[c] ?? 0);
  }
  return y;
}

/** Gradients from dy [R, C]: dx [R, C], dweight [C], dbias [C]. */
export function normBackward(
  x: Float64Array,
  weight: Float64Array,
  dy: Float64Array,
  kind: NormKind,
): { x: Float64Array; weight: Float64Array; bias: Float64Array } {
  const C = weight.length;
  const dx = new Float64Array(x.length); // [R, C]
  const dweight = new Float64Array(C);
  const dbias = new Float64Array(C);
  for (let row = 0; row < x.length; row += C) {
    const { normal, inverse } = normalise(x.subarray(row, row + C), kind);
    // g = dy · weight is the gradient of the normalised row; its parts along 1 (of a layer norm) and along the row
    // itself are lost, because shifting or scaling x changes nothing.
    let meanG = 0;
    let meanGN = 0;
    for (let c = 0; c < C; c++) {
      const g = dy[row + c]! * weight[c]!;
      if (kind.norm === "layer") meanG += g / C;
      meanGN += (g * normal[c]!) / C;
      dweight[c]! += dy[row + c]! * normal[c]!;
      dbias[c]! += dy[row + c]!;
    }
    for (let c = 0; c < C; c++) {
      const g = dy[row + c]! * weight[c]!;
      dx[row + c] = inverse * (g - meanG - normal[c]! * meanGN);
    }
  }
  return { x: dx, weight: dweight, bias: dbias };
}

/** One row [C] → itself with mean 0 (of a layer norm) and mean square 1 (but for ε), and the factor that did the latter. */
function normalise(
  row: Float64Array,
  { norm, epsilon }: NormKind,
): { normal: Float64Array; inverse: number } {
  let mean = 0;
  if (norm === "layer") for (const value of row) mean += value / row.length;
  let squares = 0;
  for (const value of row) squares += (value - mean) ** 2 / row.length;
  const inverse = 1 / Math.sqrt(squares + epsilon);
  return { normal: row.map((value) => (value - mean) * inverse), inverse };
}
