import type { PeerHave } from "../../core/swarm/peer-message.ts";
import { listKey } from "./holdings.ts";

/** Another page that this one is connected with, or about to be. */
type Peer = {
  joined: boolean;
  /** What it says it has, by list: a bitfield as it travels. */
  readonly haves: Map<string, string>;
  receivedBytes: number;
  sentBytes: number;
};

const MAX_LISTS_OF_PEER = 16; // of all models together; one more takes the place of the one told longest ago

/** The peers of this visit, and those that are not to be met again. */
export function createPeers() {
  const peers = new Map<string, Peer>();
  const banned = new Set<string>();

  return {
    /** The peer, met now if it was not before; null if it is banned. */
    meet(id: string): Peer | null {
      if (banned.has(id)) return null;
      const known = peers.get(id);
      if (known !== undefined) return known;
      const peer = { joined: false, haves: new Map(), receivedBytes: 0, sentBytes: 0 };
      peers.set(id, peer);
      return peer;
    },
    get: (id: string) => peers.get(id),
    /** Those who are connected, the oldest first. */
    joined: () => [...peers].filter(([, { joined }]) => joined),
    /** Whether somebody is about to be connected. */
    expects: () => [...peers.values()].some(({ joined }) => !joined),
    note(peer: Peer, message: Pick<PeerHave, "model" | "list" | "have">): void {
      const key = listKey(message);
      peer.haves.delete(key);
      peer.haves.set(key, message.have);
      const [oldest] = peer.haves.keys();
      if (peer.haves.size > MAX_LISTS_OF_PEER && oldest !== undefined) peer.haves.delete(oldest);
    },
    size: () => peers.size,
    leave: (id: string) => void peers.delete(id),
    clear: () => peers.clear(),
    ban(id: string): void {
      banned.add(id);
      peers.delete(id);
    },
  };
}
