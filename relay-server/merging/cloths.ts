import { LRUCache } from "lru-cache";
import { startCloth } from "../../core/history/cloth.ts";
import { decodeVersion } from "../../core/history/version.ts";
import type { Cloth } from "../../core/protocol/schemas/cloth.ts";
import type { MaskCache } from "../content/masks.ts";
import type { RelayContext, ServedModel } from "../context.ts";
import { mergedPatch } from "../history/promotion.ts";
import { readPatch } from "./member.ts";

const KEPT_CLOTHS = 1024; // a cloth of ten contributors is 4 kB
const MOST_PATCHES = 256; // of a version: each is read and decoded

/** A version as the ledger has it: its id and its signed record. */
type Recorded = { readonly id: string; readonly signed: Uint8Array };

/** Pictures of what versions' contributions touched, each made once. */
export type Cloths = (model: ServedModel, version: Recorded) => Promise<Cloth>;

/** Where a version merged more than 256 patches, its picture is of the first 256. A patch that was removed is not in it. */
export function createCloths(
  context: Pick<RelayContext, "blobs" | "contributions">,
  positionsOf: MaskCache,
): Cloths {
  const kept = new LRUCache<string, Promise<Cloth>>({ max: KEPT_CLOTHS });
  let last: Promise<unknown> = Promise.resolve();

  /** A picture without a patch that is away now is no picture for good. */
  async function make({ layout }: ServedModel, { id, signed }: Recorded): Promise<Cloth> {
    const woven = startCloth(layout.size);
    const { merge } = decodeVersion(signed).record;
    for (const { contribution, contributor } of merge?.inputs.slice(0, MOST_PATCHES) ?? []) {
      const bytes = await mergedPatch(context, contribution);
      if (bytes === null) kept.delete(id);
      else {
        const { positions } = await readPatch(positionsOf, layout, bytes);
        woven.add({ contributor, positions });
      }
    }
    return woven.cloth();
  }

  return (model, version) => {
    const known = kept.get(version.id);
    if (known !== undefined) return known;
    const made = last.then(() => make(model, version)); // one after the other: a patch of a large model has megabytes
    last = made.catch(() => {});
    kept.set(version.id, made);
    made.catch(() => kept.delete(version.id)); // who asked hears of it; the next one tries again
    return made;
  };
}
