import { assert } from "../core/errors.ts";
import { segmentStarts } from "../core/patch/quantiser.ts";
import { randomPositions } from "../core/patch/random-mask.ts";
import type { Mask } from "../core/protocol/schemas/mask.ts";
import type { Layout } from "../core/tensors/layout.ts";

/** A mask's flat positions [k], and where each tensor's part of them starts. */
export type MaskPositions = { readonly positions: Uint32Array; readonly segments: Uint32Array };

const KEPT_MASKS = 16; // the epochs that work may still be based on, of a few models

/**
 * The positions of masks that everyone derives; null for a mask whose positions are in the patch. One mask gives
 * one array, by which a merge knows patches of the same mask.
 */
export function createMaskCache(): (layout: Layout, mask: Mask) => MaskPositions | null {
  const cache = new Map<string, MaskPositions>();
  return (layout, mask) => {
    if (mask.kind === "own") return null;
    assert(mask.kind === "random", "a model with a shared mask before its recipe may ask for one");
    const name = `${mask.seed} ${mask.count} ${layout.size}`;
    const known = cache.get(name);
    if (known !== undefined) return known;
    const positions = randomPositions(mask.seed, mask.count, layout.size);
    const derived = { positions, segments: segmentStarts(layout, positions) };
    cache.set(name, derived);
    if (cache.size > KEPT_MASKS) cache.delete(cache.keys().next().value!);
    return derived;
  };
}
