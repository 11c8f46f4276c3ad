import type { Cloth } from "../protocol/schemas/cloth.ts";

/** Dots of the picture of a model: 64 × 18, as many as one can tell apart on a phone. */
export const CLOTH_COLUMNS = 64;
export const CLOTH_ROWS = 18;
export const CLOTH_DOTS = CLOTH_COLUMNS * CLOTH_ROWS;

/** Of `Cloth.most`: a dot that nobody touched, and one that somebody touched beyond those who are named. */
export const NOBODY = 255;
export const SOMEBODY_ELSE = 254;

const LEVELS = 15; // one hexadecimal digit

/** One contribution's part of the picture: flat positions [k], ascending. */
export type Touch = { readonly contributor: string; readonly positions: Uint32Array };

/**
 * The picture of a model with `size` weights, where contributions reached: a dot stands for size / CLOTH_DOTS weights that
 * follow each other in the order of the layout. Of more than 254 contributors those with the most weights are named. `add`
 * takes one contribution at a time, so that no more than one need be in memory.
 */
export function startCloth(size: number): { add(touch: Touch): void; cloth(): Cloth } {
  const counts = new Map<string, Uint32Array>();
  const seen = new Uint32Array(Math.ceil(size / 32)); // a bit a weight
  const union = new Uint32Array(CLOTH_DOTS);
  return {
    add({ contributor, positions }) {
      const own = counts.get(contributor) ?? new Uint32Array(CLOTH_DOTS);
      counts.set(contributor, own);
      for (const position of positions) {
        const dot = dotOf(position, size);
        own[dot]! += 1;
        const bit = 1 << (position & 31);
        if ((seen[position >>> 5]! & bit) === 0) union[dot]! += 1;
        seen[position >>> 5]! |= bit;
      }
    },
    cloth() {
      const byWork = [...counts].toSorted(
        ([a, ofA], [b, ofB]) => sum(ofB) - sum(ofA) || (a < b ? -1 : 1),
      );
      return {
        weights: size,
        touched: hexLevels(union, size),
        most: hexBytes(mostOf(byWork.map(([, own]) => own))),
        contributors: byWork.slice(0, SOMEBODY_ELSE).map(([contributor]) => contributor),
      };
    },
  };
}

/** The share of each dot's weights that `positions` touch, in sixteenths as `Cloth.touched` has them. */
export function touchLevels(positions: Uint32Array, size: number): string {
  const counts = new Uint32Array(CLOTH_DOTS);
  for (const position of positions) counts[dotOf(position, size)]! += 1;
  return hexLevels(counts, size);
}

function dotOf(position: number, size: number): number {
  return Math.floor((position * CLOTH_DOTS) / size);
}

/** For each dot which of `counts` is greatest, the first of equals; NOBODY where all are 0. */
function mostOf(counts: readonly Uint32Array[]): Uint8Array {
  return Uint8Array.from({ length: CLOTH_DOTS }, (_, dot) => {
    let most = NOBODY;
    let touched = 0;
    for (const [index, own] of counts.entries()) {
      if (own[dot]! <= touched) continue;
      touched = own[dot]!;
      most = Math.min(index, SOMEBODY_ELSE);
    }
    return most;
  });
}

/** A dot that was touched at all has at least level 1. */
function hexLevels(counts: Uint32Array, size: number): string {
  const weights = size / CLOTH_DOTS;
  return Array.from(counts, (count) =>
    Math.min(LEVELS, Math.ceil((LEVELS * count) / weights)).toString(16),
  ).join("");
}

function hexBytes(values: Uint8Array): string {
  return Array.from(values, (value) => value.toString(16).padStart(2, "0")).join("");
}

function sum(counts: Uint32Array): number {
  return counts.reduce((total, count) => total + count, 0);
}
