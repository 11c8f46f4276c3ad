import { assert } from "../../core/errors.ts";

/** The largest entries of a dense vector, as they are sent. */
export type SparseValues = {
  /** Flat positions, strictly ascending [k]. */
  readonly positions: Uint32Array;
  /** What their codes stand for [k]. */
  readonly values: Float32Array;
};

const CHUNK = 4096; // entries among which the largest are chosen: Sarfi et al. 2025, arXiv:2508.15706, §3

/** The largest `density` of every chunk of `dense` [N], each chunk's values in `bits` bits. */
export function topK(dense: Float32Array, density: number, bits: 2 | 4): SparseValues {
  const positions: number[] = [];
  const values: number[] = [];
  for (let from = 0; from < dense.length; from += CHUNK) {
    const chunk = dense.subarray(from, from + CHUNK);
    const kept = Math.max(1, Math.round(density * chunk.length));
    const chosen = Array.from(chunk.keys())
      .sort((a, b) => Math.abs(chunk[b]!) - Math.abs(chunk[a]!) || a - b)
      .slice(0, kept)
      .sort((a, b) => a - b);
    const exact = chosen.map((index) => chunk[index]!);
    positions.push(...chosen.map((index) => from + index));
    values.push(...(bits === 2 ? twoBits(exact) : fourBits(exact)));
  }
  return { positions: Uint32Array.from(positions), values: Float32Array.from(values) };
}

/** Scales of one chunk, in bytes: two of them in 2 bits, one in 4. */
export function scaleBytes(entries: number, bits: 2 | 4): number {
  return Math.ceil(entries / CHUNK) * (bits === 2 ? 4 : 2);
}

/** A sign, and which of two magnitudes: the means of the smaller and of the larger half. */
function twoBits(exact: readonly number[]): number[] {
  const magnitudes = exact.map(Math.abs).sort((a, b) => a - b);
  const middle = magnitudes.length >> 1;
  const bound = magnitudes[middle]!;
  const smaller = mean(magnitudes.slice(0, middle));
  const larger = mean(magnitudes.slice(middle));
  return exact.map((value) => Math.sign(value) * (Math.abs(value) >= bound ? larger : smaller));
}

/** Sixteen levels up to the largest, as our own patches have. */
function fourBits(exact: readonly number[]): number[] {
  const largest = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const scale = largest / 7;
  return exact.map((value) => (scale === 0 ? 0 : scale * Math.round(value / scale)));
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The least bits that the place of one of `count` among `size` can take, on average. */
export function positionEntropy(count: number, size: number): number {
  assert(count > 0 && count <= size, `${count} of ${size} positions`);
  const share = count / size;
  if (share === 1) return 0;
  return -Math.log2(share) - ((1 - share) / share) * Math.log2(1 - share);
}
