import { type Likeness, likenessOf } from "../../core/gate/likeness.ts";
import { comparePlaced, type PlacedValues } from "../../core/patch/similarity.ts";
import type { MaskCache } from "../content/masks.ts";
import type { RelayContext } from "../context.ts";
import type { Head } from "../history/head.ts";
import { readPatch, type WaitingMember } from "../merging/member.ts";

const COMPARED = 64; // works that came before; a copy of older work moves a model that has it already
const KEPT_BYTES = 16 << 20; // of them, so that a patch is decoded once as a rule

/**
 * How like a member is to the work on its mask that came before it and waits or was merged. The earlier of two counts,
 * so that nobody can have another's work refused by sending it again.
 */
export type LikenessOf = (head: Head, member: WaitingMember) => Promise<Likeness>;

export function createLikeness(
  { contributions, blobs }: Pick<RelayContext, "contributions" | "blobs">,
  positionsOf: MaskCache,
): LikenessOf {
  const kept = new Map<string, PlacedValues>();
  let keptBytes = 0;

  /** Null if it was refused meanwhile. */
  async function valuesOf({ layout }: Head, id: string): Promise<PlacedValues | null> {
    const known = kept.get(id);
    if (known !== undefined) return known;
    const bytes = (await contributions.waitingBytes(id)) ?? (await blobs.read(id));
    if (bytes === null) return null;
    const { patch, positions, segments } = await readPatch(positionsOf, layout, bytes);
    const { codes, scales } = patch;
    const values = { codes, scales, positions, segments };
    kept.set(id, values);
    keptBytes += sizeOf(values);
    for (const [oldest, old] of kept) {
      if (keptBytes <= KEPT_BYTES) break;
      kept.delete(oldest);
      keptBytes -= sizeOf(old);
    }
    return values;
  }

  return async (head, member) => {
    const earlier: { contributor: string; cosine: number }[] = [];
    for (const { id, contributor } of await contributions.earlierOnMask(member.row, COMPARED)) {
      const other = await valuesOf(head, id);
      if (other !== null) earlier.push({ contributor, ...comparePlaced(member, other) });
    }
    return likenessOf(member.contributor, earlier);
  };
}

/** Positions of a common mask are another cache's too, and count all the same. */
function sizeOf({ codes, scales, positions, segments }: PlacedValues): number {
  return codes.byteLength + scales.byteLength + positions.byteLength + segments.byteLength;
}
