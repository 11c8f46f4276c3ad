import type { RelayContext } from "../context.ts";

type PromotionContext = Pick<RelayContext, "contributions" | "blobs">;

const AT_ONCE = 64;

/**
 * Make the patches of a model's merged contributions public (protocol H6). The commit that merges them comes first and
 * leaves their bytes in the ledger, so that a patch is private until then and public in the end, whatever is killed when.
 */
export async function promotePatches(
  { contributions, blobs }: PromotionContext,
  model: string,
): Promise<void> {
  for (;;) {
    const ids = await contributions.duePromotions(model, AT_ONCE);
    if (ids.length === 0) return;
    for (const id of ids) {
      const bytes = await contributions.dueBytes(id);
      if (bytes !== undefined) await blobs.put(bytes); // else another relay was faster
    }
    await contributions.notePromoted(ids);
  }
}

/** A merged contribution's patch, also while its file is still to be written; null if there is none, or it is damaged. */
export async function mergedPatch(
  { contributions, blobs }: PromotionContext,
  id: string,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const bytes = (await blobs.read(id)) ?? (await contributions.dueBytes(id));
  return bytes ?? blobs.read(id); // it may have been written in between
}

const SWEPT_AT_ONCE = 1000;

/** Take back, once, what earlier software made public before the commit and was killed over. */
export async function sweepPatches({
  contributions,
  status,
  blobs,
}: PromotionContext & Pick<RelayContext, "status">): Promise<void> {
  if ((await status.setting("patch-sweep")) !== "due") return;
  for (let after = ""; ; ) {
    const ids = await contributions.unmerged(after, SWEPT_AT_ONCE);
    for (const id of ids) await blobs.remove(id);
    after = ids.at(-1) ?? "";
    if (after === "") break;
  }
  await status.putSetting("patch-sweep", "done");
}
