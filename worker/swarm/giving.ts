import { sha256 } from "../../core/crypto/signature.ts";
import { CHUNKS_IN_FLIGHT } from "../../core/swarm/schedule.ts";
import type { Platform } from "../device/platform.ts";
import type { Store } from "../store/store.ts";
import type { Holdings } from "./holdings.ts";
import type { Road } from "./road.ts";
import type { Uploads } from "./uploads.ts";

export type GivingParts = {
  readonly store: Pick<Store, "blob">;
  readonly platform: Platform;
  readonly holdings: Holdings;
  readonly uploads: Uploads;
};

/** What this device gives to peers over a road. */
export type Giving = {
  /** Give a chunk that others were told of, when there is room for it. Rejects with the signal's reason. */
  serve(peer: string, request: number, id: string): Promise<void>;
  /** So many bytes of a chunk that was set aside for a peer went: the rest is room for others. */
  sent(peer: string, request: number, bytes: number): void;
  /** The peer is gone: what was set aside for it is room for others. */
  left(peer: string): void;
  /** Nothing is given any more. */
  close(): void;
};

/** `onSent` hears how many bytes went to whom. */
export function createGiving(
  road: Pick<Road, "order">,
  { store, platform, holdings, uploads }: GivingParts,
  signal: AbortSignal,
  onSent: (peer: string, bytes: number) => void,
): Giving {
  const reserved = new Map<string, number>(); // bytes that were set aside, by peer and request
  const nameOf = (peer: string, request: number) => `${peer} ${request}`;

  /** The requests of a peer whose bytes are set aside and not sent. */
  function reservedBy(peer: string): number[] {
    return [...reserved.keys()]
      .filter((name) => name.startsWith(`${peer} `))
      .map((name) => Number(name.slice(peer.length + 1)));
  }

  function sent(peer: string, request: number, bytes: number): void {
    const name = nameOf(peer, request);
    uploads.giveBack((reserved.get(name) ?? bytes) - bytes);
    reserved.delete(name);
    onSent(peer, bytes);
  }

  return {
    async serve(peer, request, id) {
      const refuse = () => road.order({ kind: "refuse", peer, request });
      const chunk = holdings.chunk(id);
      if (chunk === null) return refuse();
      if (reservedBy(peer).length >= CHUNKS_IN_FLIGHT) return refuse(); // no honest peer asks for more at a time
      const waitMs = uploads.reserve(chunk.sizeBytes);
      if (waitMs === null) return refuse();
      reserved.set(nameOf(peer, request), chunk.sizeBytes);
      if (waitMs > 0) await platform.sleep(waitMs, signal);
      const bytes = await store.blob(id).catch(() => null); // a store that fails gives nothing
      if (bytes !== null && (await sha256(bytes)) === id) {
        return road.order({ kind: "serve", peer, request, bytes });
      }
      holdings.remove(id); // it made way for others, or the disk is worn
      sent(peer, request, 0);
      refuse();
    },
    sent,
    left(peer) {
      for (const request of reservedBy(peer)) sent(peer, request, 0);
    },
    close() {
      for (const bytes of reserved.values()) uploads.giveBack(bytes);
      reserved.clear();
    },
  };
}
