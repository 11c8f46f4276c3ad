import { FormatError } from "../../core/errors.ts";
import {
  addChunk,
  type Bitfield,
  createBitfield,
  decodeBitfield,
  encodeBitfield,
  hasChunk,
} from "../../core/swarm/bitfield.ts";
import { linksToBegin } from "../../core/swarm/links.ts";
import type { SwarmNews, SwarmSnapshot } from "../api.ts";
import type { Race, Racers } from "./chunk-race.ts";
import { createGiving, type GivingParts } from "./giving.ts";
import { type ChunkList, type ListedChunk, listKey } from "./holdings.ts";
import { createPeers } from "./peers.ts";
import { createRelayTalk, type RelayTalkParts } from "./relay-talk.ts";
import type { Reports } from "./reports.ts";
import type { Road } from "./road.ts";

export type MembershipParts = GivingParts & {
  readonly client: RelayTalkParts["client"];
  readonly isTraining: RelayTalkParts["isTraining"];
  readonly reports: Reports;
  readonly onChange: () => void;
};

/** A race, and which chunks of which lists it is for. */
type Load = {
  readonly race: Race;
  readonly wanted: readonly { readonly list: ChunkList; readonly chunks: Bitfield }[];
};
/** A chunk of a race, which numbers its chunks in their order, and where it belongs. */
type RacedChunk = { readonly list: ChunkList; readonly chunk: ListedChunk };

/** This device among the peers of a relay, from `joinSwarm` until `leave`. */
export type Membership = {
  state(): SwarmSnapshot["state"];
  peers(): SwarmSnapshot["peers"];
  /** Whom a race for these chunks may ask, and how. */
  racersFor(chunks: readonly RacedChunk[]): Pick<
    Racers,
    "peers" | "mayGrow" | "want" | "cancel" | "cut" | "ban"
  > & {
    /** A chunk of so many bytes came from this peer, and was right. */
    received(peer: string, bytes: number): void;
  };
  /** Peers' answers go to this load from now on, and others are looked for who can help. */
  begin(load: Load): void;
  /** The load is over, and others may have what came. */
  end(): void;
  /** Tell peers what is here of `list`. */
  tell(list: ChunkList): void;
  /** Tell peers and the relay what is here of `list`. */
  announce(list: ChunkList): void;
  leave(): void;
};

const NAME_LENGTH = 6; // characters of an id: enough to tell two dozen apart

/** Become a peer over `road`: connect with those who have what is wanted, and give others what is here. */
export function joinSwarm(road: Road, parts: MembershipParts): Membership {
  const { holdings, reports, onChange } = parts;
  const peers = createPeers();
  const leaving = new AbortController();
  const { signal } = leaving;
  let state: SwarmSnapshot["state"] = "opening";
  let current: Load | null = null;
  const askedFor = new Map<string, ChunkList>(); // connections that are being tried, and for which list
  const giving = createGiving(road, parts, signal, (id, bytes) => {
    reports.give(bytes);
    const peer = peers.get(id);
    if (peer !== undefined) peer.sentBytes += bytes;
  });
  const talk = createRelayTalk({
    ...parts,
    signal,
    wantedOf: (list) =>
      current?.wanted.find((part) => listKey(part.list) === listKey(list))?.chunks ??
      createBitfield(list.count),
    onServers(iceServers) {
      if (iceServers === null) enter("unserved");
      else road.order({ kind: "open", iceServers });
    },
    onHolder: meet,
    onRenewed: () => current?.race.changed(),
  });
  let requests = 0;

  /** How work in the background ends that `leave` aborted; nothing else ends it. */
  function unlessLeft(error: unknown): void {
    if (!signal.aborted) throw error;
  }

  function enter(next: SwarmSnapshot["state"]): void {
    state = next;
    onChange();
    current?.race.changed();
  }

  /** How many more peers to connect with. */
  function missingLinks(): number {
    const joined = peers.joined().map(([id]) => id);
    const slow = joined.filter((id) => current?.race.isSlow(id) === true).length;
    return linksToBegin({ quick: joined.length - slow, slow, begun: askedFor.size });
  }

  /** Connect with a peer that the relay named, unless there are enough. */
  function meet(id: string, list: ChunkList, have: string): void {
    const known = peers.get(id);
    const peer = peers.meet(id);
    if (peer === null) return;
    if (!peer.joined) peers.note(peer, { ...list, have }); // what it says itself is newer
    if (known !== undefined) return;
    if (missingLinks() === 0) {
      peers.leave(id);
      return;
    }
    reports.add(list, { tried: 1 });
    askedFor.set(id, list);
    road.order({ kind: "connect", peer: id });
  }

  function tellPeer(peer: string, list: ChunkList): void {
    const have = encodeBitfield(holdings.have(list));
    if (have === "") return;
    const message = { type: "have" as const, model: list.model, list: list.list, have };
    road.order({ kind: "tell", peer, message });
  }

  function tell(list: ChunkList): void {
    for (const [id] of peers.joined()) tellPeer(id, list);
  }

  function join(id: string): void {
    const peer = peers.meet(id);
    if (peer === null) {
      road.order({ kind: "drop", peer: id });
      return;
    }
    const list = askedFor.get(id);
    if (list !== undefined) reports.add(list, { connected: 1 });
    askedFor.delete(id);
    peer.joined = true;
    for (const list of holdings.lists()) tellPeer(id, list);
    current?.race.changed();
  }

  function ban(id: string): void {
    peers.ban(id);
    road.order({ kind: "drop", peer: id });
    current?.race.left(id);
  }

  function hear(news: SwarmNews): void {
    switch (news.kind) {
      case "open":
        talk.become({ peer: news.peer, token: news.token });
        enter("open");
        for (const list of holdings.lists()) void talk.renew(list).catch(unlessLeft);
        for (const { list } of current?.wanted ?? []) void talk.renew(list).catch(unlessLeft);
        break;
      case "away":
        talk.become(null);
        enter("away");
        break;
      case "blocked":
        enter("blocked");
        break;
      case "joined":
        join(news.peer);
        break;
      case "left":
        peers.leave(news.peer);
        askedFor.delete(news.peer);
        giving.left(news.peer);
        current?.race.left(news.peer);
        break;
      case "broke":
        ban(news.peer);
        break;
      case "told": {
        const peer = peers.get(news.peer);
        if (peer !== undefined) peers.note(peer, news.message);
        current?.race.changed();
        break;
      }
      case "wanted":
        void giving.serve(news.peer, news.request, news.chunk).catch(unlessLeft);
        break;
      case "came":
        void current?.race.came(news.peer, news.request, news.bytes);
        break;
      case "coming":
        current?.race.coming(news.peer, news.request, news.filled);
        return; // nothing that is shown
      case "refused":
        current?.race.refused(news.peer, news.request);
        break;
      case "cut": {
        const { peer, bytes, filled } = news;
        current?.race.cut(news.request, { peer, bytes, filled });
        break;
      }
      case "sent":
        giving.sent(news.peer, news.request, news.bytes);
        break;
    }
    onChange();
  }

  /** What a connected peer has of `list`; it is dropped if that is none of the list's bitfields. */
  function haveOf(id: string, text: string, list: ChunkList): Bitfield | null {
    try {
      return decodeBitfield(text, list.count);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      ban(id);
      return null;
    }
  }

  /** Who of the connected has which of a race's chunks. */
  function suppliersOf(chunks: readonly RacedChunk[]): Map<string, Bitfield> {
    const lists = new Map(chunks.map(({ list }) => [listKey(list), list]));
    const suppliers = new Map<string, Bitfield>();
    for (const [id, peer] of peers.joined()) {
      const haves = new Map<string, Bitfield | null>();
      for (const [key, list] of lists) haves.set(key, haveOf(id, peer.haves.get(key) ?? "", list));
      if ([...haves.values()].includes(null)) continue; // it was dropped
      const raced = createBitfield(chunks.length);
      for (const [i, { list, chunk }] of chunks.entries()) {
        if (hasChunk(haves.get(listKey(list))!, chunk.index)) addChunk(raced, i);
      }
      suppliers.set(id, raced);
    }
    return suppliers;
  }

  road.listen(hear);
  void talk.stay().catch(unlessLeft);

  return {
    state: () => state,
    peers: () =>
      peers.joined().map(([id, { receivedBytes, sentBytes }]) => ({
        name: id.slice(0, NAME_LENGTH),
        receivedBytes,
        sentBytes,
      })),
    racersFor: (chunks) => ({
      peers: () => suppliersOf(chunks),
      mayGrow: () => !signal.aborted && (state === "opening" || talk.isAsking() || peers.expects()),
      want(peer, { sha256, sizeBytes }) {
        const request = ++requests;
        road.order({ kind: "want", peer, request, chunk: sha256, sizeBytes });
        return request;
      },
      cancel: (peer, request) => road.order({ kind: "cancel", peer, request }),
      cut: (peer, request) => road.order({ kind: "cut", peer, request }),
      received(peer, bytes) {
        const sender = peers.get(peer);
        if (sender !== undefined) sender.receivedBytes += bytes;
      },
      ban(peer, { index }) {
        reports.add(chunks[index]!.list, { wrongChunks: 1 });
        ban(peer);
      },
    }),
    begin(load) {
      current = load;
      const isOver = () => current !== load;
      const lists = load.wanted.map(({ list }) => list);
      void talk.seek(lists, isOver, () => missingLinks() > 0).catch(unlessLeft);
    },
    end() {
      const wanted = current?.wanted ?? [];
      current = null;
      for (const { list } of wanted) void talk.renew(list).catch(unlessLeft);
    },
    tell,
    announce(list) {
      tell(list);
      void talk.renew(list).catch(unlessLeft);
    },
    leave() {
      leaving.abort();
      road.order({ kind: "close" });
      giving.close();
      for (const [id] of peers.joined()) current?.race.left(id);
      peers.clear();
    },
  };
}
