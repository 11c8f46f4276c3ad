import { sha256 } from "../../core/crypto/signature.ts";
import type { Shard } from "../../core/protocol/schemas/ticket.ts";
import { openAdditionFiles } from "../content/addition-files.ts";
import type { Objects } from "../content/objects.ts";
import type { RelayContext } from "../context.ts";
import { decodeAct } from "./acts.ts";

type UnenteredContext = Pick<RelayContext, "history" | "blobs">;

/** Make files of an addition public, and the `list` of them; returns the SHA-256 of the list. */
export type PublishUnentered = (
  shards: readonly Omit<Shard, "index">[],
  list: Uint8Array<ArrayBuffer>,
) => Promise<string>;

const FOLDER = "unentered"; // a note an addition: the hashes of what it made public

/**
 * Blobs of the addition `id` that are public before the commit that names them. Each is noted before it is put, unless it was
 * public already, so that `takeBackUnentered` finds it whatever is killed when.
 */
export function openUnentered(
  { blobs }: Pick<UnenteredContext, "blobs">,
  objects: Objects,
  id: string,
): PublishUnentered {
  const files = openAdditionFiles(objects);
  const noted = new Set<string>();
  return async (shards, list) => {
    const listId = await sha256(list);
    const before = noted.size;
    for (const hash of [...shards.map(({ sha256 }) => sha256), listId]) {
      if ((await blobs.size(hash)) === null) noted.add(hash);
    }
    if (noted.size > before) {
      await objects.put(`${FOLDER}/${id}`, new TextEncoder().encode([...noted].join("\n")));
    }
    for await (const { bytes } of files.shards(id, shards)) await blobs.put(bytes);
    return blobs.put(list);
  };
}

/** Take back what additions made public and did not enter. The caller sees to it that nobody adds anything meanwhile. */
export async function takeBackUnentered(
  { history, blobs }: UnenteredContext,
  objects: Objects,
): Promise<void> {
  const notes = await objects.list(FOLDER);
  if (notes.length === 0) return;
  const named = await namedBlobs(history);
  for (const { name } of notes) {
    const note = new TextDecoder().decode((await objects.read(name)) ?? new Uint8Array());
    for (const hash of note.split("\n")) {
      if (hash !== "" && !named.has(hash)) await blobs.remove(hash);
    }
    await objects.remove(name);
  }
}

/** The shards of all models, and the lists that their acts name. */
async function namedBlobs({ acts, models, shards }: RelayContext["history"]): Promise<Set<string>> {
  const named = new Set<string>();
  for (const { id } of await models()) {
    for (const { sha256 } of await shards(id)) named.add(sha256);
    for (const act of await acts(id)) {
      const { deed } = decodeAct(act).record;
      if (deed.kind === "add-data") named.add(deed.list);
    }
  }
  return named;
}
