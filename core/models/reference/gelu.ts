import { columnSums } from "./linear.ts";

// R rows (batch × time), C channels

const SLOPE = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715; // the tanh approximation: Hendrycks & Gimpel 2016, arXiv:1606.08415, §2

/** y [R, C] = gelu(x [R, C] + bias [C]), GPT-2's tanh form ("gelu_new"). */
export function geluWithBias(x: Float64Array, bias: Float64Array): Float64Array {
  return x.map((value, p) => gelu(value + bias[p % bias.length]!));
}

/** Gradients from dy [R, C]: dx [R, C], dbias [C]. */
export function geluWithBiasBackward(
  x: Float64Array,
  bias: Float64Array,
  dy: Float64Array,
): { x: Float64Array; bias: Float64Array } {
  const dx = dy.map((d, p) => d * geluSlope(x[p]! + bias[p % bias.length]!)); // [R, C]
  return { x: dx, bias: columnSums(dx, bias.length) };
}

function gelu(u: number): number {
  return 0.5 * u * (1 + Math.tanh(SLOPE * (u + CUBIC * u ** 3)));
}

function geluSlope(u: number): number {
  const t = Math.tanh(SLOPE * (u + CUBIC * u ** 3));
  return 0.5 * (1 + t) + 0.5 * u * (1 - t * t) * SLOPE * (1 + 3 * CUBIC * u * u);
}
