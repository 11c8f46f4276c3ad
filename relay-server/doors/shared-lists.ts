import { CHUNK_BYTES } from "../../core/protocol/limits.ts";
import { MAX_LIST_CHUNKS } from "../../core/protocol/schemas/swarm.ts";
import type { RelayContext } from "../context.ts";
import type { ModelRow } from "../store/tables.ts";
import { createMemo } from "./memo.ts";

const BYTES_PER_PARAMETER = 4;
const SHARED_KEYFRAMES = 4; // the newest ones: what a newcomer loads, and one that is late

/** How many chunks and bytes a list has. */
export type ListSize = { readonly chunks: number; readonly sizeBytes: number };
/** The size of this model's list; null where it is none that peers are told of. */
export type SharedLists = (model: ModelRow, list: string) => Promise<ListSize | null>;

/** The lists worth sharing: every newcomer loads a keyframe, and everybody shards. */
export function createSharedLists({
  history,
  clock,
}: Pick<RelayContext, "history" | "clock">): SharedLists {
  const forEver = { state: 0, maxAgeMs: Number.POSITIVE_INFINITY };
  const shardSizes = createMemo<ListSize>(clock); // an import names them for good
  const keyframes = createMemo<ReadonlySet<string>>(clock);

  async function newestKeyframes({ id, head }: ModelRow): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    let number = head;
    for (let n = 0; n < SHARED_KEYFRAMES && number >= 0; n++) {
      const keyframe = await history.keyframe(id, number);
      if (keyframe === undefined) break;
      found.add(keyframe.checkpoint);
      number = keyframe.number - 1;
    }
    return found;
  }

  async function sizeOfShards(id: string): Promise<ListSize> {
    const shards = await history.shards(id);
    return {
      chunks: shards.length,
      sizeBytes: shards.reduce((sum, one) => sum + one.size_bytes, 0),
    };
  }

  return async (model, list) => {
    const { id, head, parameters } = model;
    const sizeBytes = parameters * BYTES_PER_PARAMETER;
    let size = { chunks: Math.ceil(sizeBytes / CHUNK_BYTES), sizeBytes };
    if (list === "shards") {
      size = await shardSizes({ name: id, ...forEver }, () => sizeOfShards(id));
    } else {
      const known = await keyframes({ name: id, ...forEver, state: head }, () =>
        newestKeyframes(model),
      );
      if (!known.has(list)) return null;
    }
    return size.chunks <= MAX_LIST_CHUNKS ? size : null;
  };
}
