import { FormatError } from "../../core/errors.ts";
import { decodePositions } from "../../core/patch/positions.ts";
import { segmentStarts } from "../../core/patch/quantiser.ts";
import { randomPositions } from "../../core/patch/random-mask.ts";
import type { Mask } from "../../core/protocol/schemas/mask.ts";
import type { Layout } from "../../core/tensors/layout.ts";
import type { PublicBlobs } from "./public-blobs.ts";

/** A mask's flat positions [k], and where each tensor's part of them starts. */
export type MaskPositions = { readonly positions: Uint32Array; readonly segments: Uint32Array };

/**
 * The positions of masks that everyone derives or fetches; null for a mask whose positions are in the patch. One mask
 * gives one array, by which a merge knows patches of the same mask. A FormatError names a blob that is not there.
 */
export type MaskCache = (layout: Layout, mask: Mask) => Promise<MaskPositions | null>;

const KEPT_MASKS = 16; // the epochs that work may still be based on, of a few models

export function createMaskCache(blobs: Pick<PublicBlobs, "read">): MaskCache {
  const cache = new Map<string, Promise<MaskPositions>>();

  async function derive(layout: Layout, mask: Exclude<Mask, { kind: "own" }>) {
    const positions =
      mask.kind === "random"
        ? randomPositions(mask.seed, mask.count, layout.size)
        : decodePositions(await blobOf(mask.positions), mask.count, layout.size);
    return { positions, segments: segmentStarts(layout, positions) };
  }

  async function blobOf(id: string): Promise<Uint8Array> {
    const bytes = await blobs.read(id);
    if (bytes === null) throw new FormatError(`mask ${id} is missing or damaged`);
    return bytes;
  }

  return async (layout, mask) => {
    if (mask.kind === "own") return null;
    const chosenBy = mask.kind === "random" ? mask.seed : mask.positions;
    const name = `${chosenBy} ${mask.count} ${layout.size}`;
    const known = cache.get(name);
    if (known !== undefined) return known;
    const derived = derive(layout, mask);
    cache.set(name, derived);
    derived.catch(() => cache.delete(name)); // a blob may be put back
    if (cache.size > KEPT_MASKS) cache.delete(cache.keys().next().value!);
    return derived;
  };
}
