import { FormatError } from "../errors.ts";
import { decodeHalf, encodeHalfUp } from "../tensors/half.ts";
import type { Layout } from "../tensors/layout.ts";

/** 4-bit values in blocks of at most BLOCK_VALUES, a scale a block: value = scale · code. */
export type Quantised = {
  /** −7…7 [k]. */
  readonly codes: Int8Array;
  /** Bits of an f16 in 0…1 [blocks]; 0 exactly where all codes of the block are 0. */
  readonly scales: Uint16Array;
};

export const BLOCK_VALUES = 64; // the f16 scale costs a quarter of a bit per value
export const MAX_CODE = 7;

/**
 * Where in the masked values [k] each tensor's part begins, ascending, first 0 (protocol Q1).
 * Tensors without a position in the mask have no part.
 */
export function segmentStarts(layout: Layout, positions: Uint32Array): Uint32Array {
  const starts: number[] = [];
  let at = 0;
  for (const { offset, size } of layout.tensors) {
    const end = firstAtLeast(positions, offset + size, at);
    if (end > at) starts.push(at);
    at = end;
  }
  return Uint32Array.from(starts);
}

/** The first index from `from` on whose position is at least `bound`. */
function firstAtLeast(positions: Uint32Array, bound: number, from: number): number {
  let low = from;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (positions[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where each block of `count` values begins: every BLOCK_VALUES from the start of its segment on. */
export function blockStarts(segments: Uint32Array, count: number): Uint32Array {
  const starts: number[] = [];
  for (let segment = 0; segment < segments.length; segment++) {
    const end = segments[segment + 1] ?? count;
    for (let at = segments[segment]!; at < end; at += BLOCK_VALUES) starts.push(at);
  }
  return Uint32Array.from(starts);
}

/**
 * `delta` [k] as 4-bit codes (protocol Q2). A block's scale is the smallest f16 that is at least its
 * largest magnitude / 7; the worst error is half a scale. NaN, infinite and larger values than 7 are
 * refused: such training has diverged.
 */
export function quantise(delta: Float32Array, segments: Uint32Array): Quantised {
  const starts = blockStarts(segments, delta.length);
  const codes = new Int8Array(delta.length);
  const scales = new Uint16Array(starts.length);
  for (let block = 0; block < starts.length; block++) {
    const start = starts[block]!;
    const end = starts[block + 1] ?? delta.length;
    let largest = 0;
    for (let i = start; i < end; i++) {
      const magnitude = Math.abs(delta[i]!);
      if (!(magnitude <= MAX_CODE)) {
        throw new FormatError(`delta: value ${i} is ${delta[i]}, outside ±${MAX_CODE}`);
      }
      if (magnitude > largest) largest = magnitude;
    }
    if (largest === 0) continue;
    const bits = encodeHalfUp(largest / MAX_CODE);
    const scale = decodeHalf(bits);
    let used = 0;
    for (let i = start; i < end; i++) {
      codes[i] = Math.round(delta[i]! / scale);
      used |= codes[i]!;
    }
    if (used !== 0) scales[block] = bits; // values far below the smallest f16 round to nothing
  }
  return { codes, scales };
}

/** The values that the codes stand for [k]; exact in f32 (protocol Q3). */
export function dequantise(quantised: Quantised, segments: Uint32Array): Float32Array {
  const { codes, scales } = quantised;
  const starts = blockStarts(segments, codes.length);
  const values = new Float32Array(codes.length);
  for (let block = 0; block < starts.length; block++) {
    const scale = decodeHalf(scales[block]!);
    const end = starts[block + 1] ?? codes.length;
    for (let i = starts[block]!; i < end; i++) values[i] = scale * codes[i]!;
  }
  return values;
}
