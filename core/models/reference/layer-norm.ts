// R rows (batch × time), C channels

/** Added to the variance; GPT-2's `layer_norm_epsilon`. */
export const LAYER_NORM_EPSILON = 1e-5;

/** y [R, C] = (x − mean) / √(variance + ε) · weight [C] + bias [C], over the channels of each row. */
export function layerNorm(x: Float64Array, weight: Float64Array, bias: Float64Array): Float64Array {
  const C = weight.length;
  const y = new Float64Array(x.length); // [R, C]
  for (let row = 0; row < x.length; row += C) {
    const { normal } = normalise(x.subarray(row, row + C));
    for (let c = 0; c < C; c++) y[row + c] = normal[c]! * weight[c]! + bias[c]!;
  }
  return y;
}

/** Gradients from dy [R, C]: dx [R, C], dweight [C], dbias [C]. */
export function layerNormBackward(
  x: Float64Array,
  weight: Float64Array,
  dy: Float64Array,
): { x: Float64Array; weight: Float64Array; bias: Float64Array } {
  const C = weight.length;
  const dx = new Float64Array(x.length); // [R, C]
  const dweight = new Float64Array(C);
  const dbias = new Float64Array(C);
  for (let row = 0; row < x.length; row += C) {
    const { normal, inverseDeviation } = normalise(x.subarray(row, row + C));
    // g = dy · weight is the gradient of the normalised row; its parts along 1 and along the row
    // itself are lost, because shifting or scaling x changes nothing.
    let meanG = 0;
    let meanGN = 0;
    for (let c = 0; c < C; c++) {
      const g = dy[row + c]! * weight[c]!;
      meanG += g / C;
      meanGN += (g * normal[c]!) / C;
      dweight[c]! += dy[row + c]! * normal[c]!;
      dbias[c]! += dy[row + c]!;
    }
    for (let c = 0; c < C; c++) {
      const g = dy[row + c]! * weight[c]!;
      dx[row + c] = inverseDeviation * (g - meanG - normal[c]! * meanGN);
    }
  }
  return { x: dx, weight: dweight, bias: dbias };
}

/** One row [C] → itself with mean 0 and variance 1 (but for ε), and the factor 1 / √(variance + ε). */
function normalise(row: Float64Array): { normal: Float64Array; inverseDeviation: number } {
  let mean = 0;
  for (const value of row) mean += value / row.length;
  let variance = 0;
  for (const value of row) variance += (value - mean) ** 2 / row.length;
  const inverseDeviation = 1 / Math.sqrt(variance + LAYER_NORM_EPSILON);
  return { normal: row.map((value) => (value - mean) * inverseDeviation), inverseDeviation };
}
