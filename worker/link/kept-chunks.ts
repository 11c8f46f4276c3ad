import { RelayError } from "../../core/protocol/relay-error.ts";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import type { Swarm } from "../swarm/swarm.ts";
import { keyframeChunks, stepChunks } from "./base-loading.ts";
import type { BlobSource } from "./blob-loading.ts";

/**
 * Offer what the store kept of the model's newest keyframe, steps and shards from earlier visits: who returns needs none of
 * them for its piece, and would offer nothing else. Once a visit; where the relay does not answer, the next piece tries again.
 */
export async function offerKept(
  { model, base }: Pick<Ticket, "model" | "base">,
  { client, store, signal }: Pick<BlobSource, "client" | "store" | "signal">,
  swarm: Swarm,
): Promise<void> {
  if (!swarm.isOpen() || swarm.hasOfferedKept(model)) return;
  try {
    const [{ keyframe, steps }, { shards }, names] = await Promise.all([
      client.checkpoint(model, base.number, { signal }),
      client.shards(model, { signal }),
      store.blobNames(),
    ]);
    const lists = keyframe === null ? [] : [keyframeChunks(model, keyframe)];
    const all = { kind: "shards", model, list: "shards", count: shards.length } as const;
    for (const { list, chunks } of [
      ...lists,
      ...stepChunks(model, steps),
      { list: all, chunks: shards },
    ]) {
      swarm.offerKept(
        list,
        chunks.filter(({ sha256 }) => names.has(sha256)),
      );
    }
  } catch (error) {
    if (!(error instanceof RelayError)) throw error; // the piece does not need it
  }
}
