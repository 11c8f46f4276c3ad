import { FormatError } from "../errors.ts";
import type { Mask, RandomMask } from "../protocol/schemas/mask.ts";
import { randomPositions } from "./random-mask.ts";

/** A cohort's work reaches back over as many epochs at most, else its step has its positions written out. */
export const MOST_NAMED_MASKS = 8;
const NAMES = /^[0-9a-f]{32}:[1-9][0-9]{0,9}(?:,[0-9a-f]{32}:[1-9][0-9]{0,9}){0,7}$/;

/** The distinct ones of `masks` in the order of their seeds; null where they are too many, or one's positions follow from no seed. */
export function namedMasks(masks: readonly Mask[]): readonly RandomMask[] | null {
  const bySeed = new Map<string, RandomMask>();
  for (const mask of masks) {
    if (mask.kind !== "random") return null;
    bySeed.set(mask.seed, mask); // a seed has one count, that of the version it follows
  }
  if (bySeed.size === 0 || bySeed.size > MOST_NAMED_MASKS) return null;
  return [...bySeed.values()].toSorted((a, b) => (a.seed < b.seed ? -1 : 1));
}

/** The masks as a step's metadata has them (protocol T5): `seed:count`, joined by commas. */
export function encodeMaskNames(masks: readonly RandomMask[]): string {
  return masks.map(({ seed, count }) => `${seed}:${count}`).join(",");
}

/** Throws a FormatError for other than `encodeMaskNames` writes, and for a mask of more than `most` positions. */
export function parseMaskNames(text: string | undefined, most: number): readonly RandomMask[] {
  if (text === undefined || !NAMES.test(text)) throw new FormatError("masks: not seeds and counts");
  const masks = text.split(",").map((name): RandomMask => {
    const [seed = "", count] = name.split(":");
    return { kind: "random", seed, count: Number(count) };
  });
  for (const [i, { seed, count }] of masks.entries()) {
    if (i > 0 && masks[i - 1]!.seed >= seed) throw new FormatError("masks: seeds do not ascend");
    if (count > most) throw new FormatError(`masks: ${count} positions > ${most}`);
  }
  return masks;
}

/**
 * The positions below `size` that any of `masks` has, ascending. One mask is drawn after the other, and none once there are more than
 * `most` positions together. Throws a FormatError then, and as `randomPositions`.
 */
export function unionOfMasks(masks: readonly RandomMask[], size: number, most = size): Uint32Array {
  let union: Uint32Array = new Uint32Array(0);
  for (const { seed, count } of masks) {
    union = mergePositions(union, randomPositions(seed, count, size));
    if (union.length > most) throw new FormatError(`masks: over ${most} positions together`);
  }
  return union;
}

/** What either of two ascending lists has, ascending. */
export function mergePositions(a: Uint32Array, b: Uint32Array): Uint32Array {
  if (a.length === 0) return b;
  const merged = new Uint32Array(a.length + b.length);
  let length = 0;
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const [left, right] = [a[i] ?? Number.POSITIVE_INFINITY, b[j] ?? Number.POSITIVE_INFINITY];
    merged[length++] = Math.min(left, right);
    if (left <= right) i++;
    if (right <= left) j++;
  }
  return merged.slice(0, length);
}
