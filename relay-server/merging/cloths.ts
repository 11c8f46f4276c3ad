import { LRUCache } from "lru-cache";
import { startCloth } from "../../core/history/cloth.ts";
import { decodeVersion } from "../../core/history/version.ts";
import type { Cloth } from "../../core/protocol/schemas/cloth.ts";
import type { MaskCache } from "../content/masks.ts";
import type { RelayContext, ServedModel } from "../context.ts";
import { mergedPatch } from "../history/promotion.ts";
import type { ModelRow } from "../store/tables.ts";
import { readPatch } from "./member.ts";

const KEPT_CLOTHS = 1024; // a cloth of ten contributors is 4 kB
const MOST_PATCHES = 256; // of a version: each is read and decoded
const MOST_OF_ONE = 64; // newest patches of a contributor: the picture is made anew with each version

/** A version as the ledger has it: its id and its signed record. */
type Recorded = { readonly id: string; readonly signed: Uint8Array };

/** Pictures of what contributions touched, each made once: of a version's, and of a contributor's newest 64 in the head. */
export type Cloths = {
  ofVersion(model: ServedModel, version: Recorded): Promise<Cloth>;
  ofContributor(
    model: ServedModel & { readonly row: ModelRow },
    contributor: string,
  ): Promise<Cloth>;
};

type Named = { readonly contribution: string; readonly contributor: string };

/** Where a version merged more than 256 patches, its picture is of the first 256. A patch that was removed is not in it. */
export function createCloths(
  context: Pick<RelayContext, "blobs" | "contributions" | "status">,
  positionsOf: MaskCache,
): Cloths {
  const kept = new LRUCache<string, Promise<Cloth>>({ max: KEPT_CLOTHS });
  let last: Promise<unknown> = Promise.resolve();

  /** A picture without a patch that is away now is no picture for good. */
  async function make(
    { layout }: ServedModel,
    key: string,
    patches: readonly Named[],
  ): Promise<Cloth> {
    const woven = startCloth(layout.size);
    for (const { contribution, contributor } of patches) {
      const bytes = await mergedPatch(context, contribution);
      if (bytes === null) kept.delete(key);
      else {
        const { positions } = await readPatch(positionsOf, layout, bytes);
        woven.add({ contributor, positions });
      }
    }
    return woven.cloth();
  }

  function once(
    model: ServedModel,
    key: string,
    find: () => Promise<readonly Named[]>,
  ): Promise<Cloth> {
    const known = kept.get(key);
    if (known !== undefined) return known;
    const made = last.then(async () => make(model, key, await find())); // one after the other: a patch of a large model has megabytes
    last = made.catch(() => {});
    kept.set(key, made);
    made.catch(() => kept.delete(key)); // who asked hears of it; the next one tries again
    return made;
  }

  return {
    ofVersion: (model, { id, signed }) =>
      once(model, id, async () => {
        const inputs = decodeVersion(signed).record.merge?.inputs ?? [];
        return inputs.slice(0, MOST_PATCHES);
      }),
    ofContributor: (model, contributor) =>
      once(model, `${contributor} ${model.row.id} ${model.row.head}`, async () => {
        const ids = await context.status.newestMerged(model.row.id, contributor, MOST_OF_ONE);
        return ids.map((contribution) => ({ contribution, contributor }));
      }),
  };
}
