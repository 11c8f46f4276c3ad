import { RelayError } from "../../core/protocol/relay-error.ts";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import type { Swarm } from "../swarm/swarm.ts";
import { keyframeChunks } from "./base-loading.ts";
import type { BlobSource } from "./blob-loading.ts";

/**
 * Offer what the store kept of the model's newest keyframe and of its shards from earlier visits: who returns needs neither
 * for its piece, and would offer nothing else. Once a visit; where the relay does not answer, the next piece tries again.
 */
export async function offerKept(
  { model, base }: Pick<Ticket, "model" | "base">,
  { client, store, signal }: Pick<BlobSource, "client" | "store" | "signal">,
  swarm: Swarm,
): Promise<void> {
  if (!swarm.isOpen() || swarm.hasOfferedKept(model)) return;
  try {
    const [{ keyframe }, { shards }, names] = await Promise.all([
      client.checkpoint(model, base.number, { signal }),
      client.shards(model, { signal }),
      store.blobNames(),
    ]);
    const lists = keyframe === null ? [] : [keyframeChunks(model, keyframe)];
    const all = { list: { model, list: "shards", count: shards.length }, chunks: shards };
    for (const { list, chunks } of [...lists, all]) {
      swarm.offerKept(
        list,
        chunks.filter(({ sha256 }) => names.has(sha256)),
      );
    }
  } catch (error) {
    if (!(error instanceof RelayError)) throw error; // the piece does not need it
  }
}
