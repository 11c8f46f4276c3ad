import type { GeluKind } from "../transformer-operations.ts";

const SLOPE = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715; // the tanh approximation: Hendrycks & Gimpel 2016, arXiv:1606.08415, §2

/** y = gelu(x), element by element. */
export function referenceGelu(x: Float64Array, { form }: GeluKind): Float64Array {
  return x.map(form === "tanh" ? tanhGelu : (u) => u * normalShare(u));
}

/** dx = dy · gelu′(x). */
export function geluBackward(x: Float64Array, dy: Float64Array, { form }: GeluKind): Float64Array {
  const slope = form === "tanh" ? tanhSlope : exactSlope;
  return dy.map((d, p) => d * slope(x[p]!));
}

/** y = silu(gate) · up. */
export function referenceSwiglu(gate: Float64Array, up: Float64Array): Float64Array {
  return gate.map((u, p) => (u / (1 + Math.exp(-u))) * up[p]!);
}

export function swigluBackward(
  gate: Float64Array,
  up: Float64Array,
  dy: Float64Array,
): { gate: Float64Array; up: Float64Array } {
  const share = gate.map((u) => 1 / (1 + Math.exp(-u)));
  return {
    gate: gate.map((u, p) => dy[p]! * up[p]! * share[p]! * (1 + u * (1 - share[p]!))),
    up: gate.map((u, p) => dy[p]! * u * share[p]!),
  };
}

function tanhGelu(u: number): number {
  return 0.5 * u * (1 + Math.tanh(SLOPE * (u + CUBIC * u ** 3)));
}

function tanhSlope(u: number): number {
  const t = Math.tanh(SLOPE * (u + CUBIC * u ** 3));
  return 0.5 * (1 + t) + 0.5 * u * (1 - t * t) * SLOPE * (1 + 3 * CUBIC * u * u);
}

function exactSlope(u: number): number {
  return normalShare(u) + (u * Math.exp((-u * u) / 2)) / Math.sqrt(2 * Math.PI);
}

/** The normal distribution below u: its density's series, or far from 0 the continued fraction of its tail. */
function normalShare(u: number): number {
  const density = Math.exp((-u * u) / 2) / Math.sqrt(2 * Math.PI);
  if (Math.abs(u) < 4) {
    let term = u;
    let sum = u;
    for (let n = 3; Math.abs(term) > 1e-18; n += 2) {
      term *= (u * u) / n;
      sum += term;
    }
    return 0.5 + density * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / (Math.abs(u) + fraction);
  const tail = density / (Math.abs(u) + fraction);
  return u < 0 ? tail : 1 - tail;
}
