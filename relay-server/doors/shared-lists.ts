import { CHUNK_BYTES } from "../../core/protocol/limits.ts";
import { MAX_LIST_CHUNKS } from "../../core/protocol/schemas/swarm.ts";
import type { RelayContext } from "../context.ts";
import type { ModelRow } from "../store/tables.ts";
import { createMemo } from "./memo.ts";

const BYTES_PER_PARAMETER = 4;
const SHARED_KEYFRAMES = 4; // the newest ones: what a newcomer loads, and one that is late

/** How many chunks a list of this model has; null where it is none that peers are told of. */
export type SharedLists = (model: ModelRow, list: string) => Promise<number | null>;

/** The lists worth sharing: every newcomer loads a keyframe, and everybody shards. */
export function createSharedLists({ ledger, clock }: RelayContext): SharedLists {
  const forEver = { state: 0, maxAgeMs: Number.POSITIVE_INFINITY };
  const shardCounts = createMemo<number>(clock); // an import names them for good
  const keyframes = createMemo<ReadonlySet<string>>(clock);

  async function newestKeyframes({ id, head }: ModelRow): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    let number = head;
    for (let n = 0; n < SHARED_KEYFRAMES && number >= 0; n++) {
      const keyframe = await ledger.keyframe(id, number);
      if (keyframe === undefined) break;
      found.add(keyframe.checkpoint);
      number = keyframe.number - 1;
    }
    return found;
  }

  return async (model, list) => {
    const { id, head, parameters } = model;
    let chunks = Math.ceil((parameters * BYTES_PER_PARAMETER) / CHUNK_BYTES);
    if (list === "shards") {
      const key = { name: id, ...forEver };
      chunks = await shardCounts(key, async () => (await ledger.shards(id)).length);
    } else {
      const key = { name: id, ...forEver, state: head };
      const known = await keyframes(key, () => newestKeyframes(model));
      if (!known.has(list)) return null;
    }
    return chunks <= MAX_LIST_CHUNKS ? chunks : null;
  };
}
