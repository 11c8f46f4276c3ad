import { CHUNK_BYTES } from "../../core/protocol/limits.ts";
import type { Random } from "../../core/random.ts";
import { addChunk, type Bitfield, createBitfield, hasChunk } from "../../core/swarm/bitfield.ts";
import { nextFromRelay, PEER_PATIENCE_MS, type RelayReason } from "../../core/swarm/pace.ts";
import { nextRequests, type Supplier } from "../../core/swarm/schedule.ts";
import { createHttpRate } from "../../worker/swarm/http-rate.ts";
import { createUploads } from "../../worker/swarm/uploads.ts";
import type { LineEnd, Transfer, Transfers } from "./transfers.ts";
import type { Visitor } from "./visitors.ts";

const LOOK_SECONDS = 0.1; // how often the race looks without news
const BATCH = 6; // chunks that a page asks for at once that shares nothing
const REST_SECONDS = 1; // a peer that refused is left alone for so long
const HTTP_DELAY_SECONDS = 0.05; // from a request to the relay to the first byte
const PEER_DELAY_SECONDS = 0.1;

/** Where a chunk came from: from peers, or from the relay, and why. */
export type ChunkSource = "peers" | RelayReason;

export type NewcomerParts = {
  readonly visitor: Visitor;
  readonly chunks: number;
  readonly relay: LineEnd;
  readonly transfers: Transfers;
  /** Seconds. */
  readonly clock: () => number;
  readonly random: Random;
  /** False: everything comes from the relay. */
  readonly isSharing: boolean;
  /** It has all of the list from an earlier visit. */
  readonly isComplete: boolean;
};

type Asked = { readonly peer: Newcomer; readonly transfer: Transfer; readonly askedAt: number };

/** What the relay sends: a chunk, or the rest of one. */
type Lane = Transfer & { readonly sizeBytes: number };

/** A page that loads one list, and gives others what it has. */
export type Newcomer = {
  readonly name: string;
  readonly visitor: Visitor;
  readonly have: Bitfield;
  /** Whether its processor trains: it gives nothing meanwhile. */
  isTraining(): boolean;
  /** Those whom it is connected with. */
  readonly links: Set<Newcomer>;
  /** Chunks by where they came from. */
  readonly counts: Readonly<Record<ChunkSource, number>>;
  /** What the relay sent, also what was not needed in the end. */
  relayBytes(): number;
  /** How many of `links` let a chunk wait, or refused one. */
  slowLinks(): number;
  /** Seconds from the page's opening to the last chunk; null before. */
  loadSeconds(): number | null;
  /** No other peer will be connected soon. */
  expectNobody(): void;
  /** Ask whom there is to ask. */
  look(): void;
  /** Send a chunk to `taker`, unless there is no room for it. A page that has all of the list trains. */
  serve(taker: Newcomer, onDone: () => void, onLost: () => void): Transfer | null;
  stopServing(transfer: Transfer): void;
  /** The page is closed. */
  leave(): void;
};

/** A newcomer on simulated lines, by the rules of the page's race (worker/swarm/chunk-race.ts). */
export function createNewcomer(parts: NewcomerParts): Newcomer {
  const { visitor, chunks, relay, transfers, clock, random, isSharing, isComplete } = parts;
  const startedAt = clock();
  const have: Bitfield = createBitfield(chunks);
  const missing = new Set(Array.from({ length: chunks }, (_, chunk) => chunk));
  const links = new Set<Newcomer>();
  const asked = new Map<number, Asked>(); // by chunk
  const lanes = new Map<number, Lane>(); // by chunk
  const slow = new Set<Newcomer>();
  const restUntil = new Map<Newcomer, number>();
  const serving = new Map<Transfer, () => void>(); // what it sends, and how its taker hears that it ends
  const isTraining = () => visitor.trainsOnProcessor && doneAt !== null;
  const uploads = createUploads({ steadyMs: () => clock() * 1000, isTraining });
  const rate = createHttpRate();
  let doneAt: number | null = null;
  const counts = { peers: 0, probe: 0, behind: 0, late: 0, unheld: 0 };
  if (isComplete) {
    for (const chunk of missing) addChunk(have, chunk);
    missing.clear();
    uploads.receive(chunks * CHUNK_BYTES);
    doneAt = startedAt;
  }
  let isExpecting = isSharing;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let hasNews = true;
  let relayBytes = 0;

  const isLate = (one: Asked) => (clock() - one.askedAt) * 1000 >= PEER_PATIENCE_MS;

  function suppliers(): Map<string, Newcomer> {
    const now = clock();
    const rested = [...links].filter((peer) => now >= (restUntil.get(peer) ?? 0));
    return new Map(rested.map((peer) => [peer.name, peer]));
  }

  function askPeers(able: ReadonlyMap<string, Newcomer>): void {
    const open = new Map<Newcomer, number>();
    for (const { peer } of asked.values()) open.set(peer, (open.get(peer) ?? 0) + 1);
    const free = [...able.values()].map(
      (peer): Supplier => ({
        id: peer.name,
        have: peer.have,
        inFlight: open.get(peer) ?? 0,
        isSlow: slow.has(peer),
      }),
    );
    const wanted = [...missing].filter((chunk) => !asked.has(chunk) && !lanes.has(chunk));
    for (const { supplier, chunk } of nextRequests(wanted, free, random)) {
      const peer = able.get(supplier)!;
      const transfer = peer.serve(
        self,
        () => came(chunk, peer),
        () => lost(chunk),
      );
      if (transfer !== null) asked.set(chunk, { peer, transfer, askedAt: clock() });
      else {
        slow.add(peer);
        restUntil.set(peer, clock() + REST_SECONDS);
      }
    }
  }

  function came(chunk: number, peer: Newcomer): void {
    const answer = asked.get(chunk);
    if (answer !== undefined && !isLate(answer)) slow.delete(peer);
    asked.delete(chunk);
    counts.peers++;
    finish(chunk);
  }

  function lost(chunk: number): void {
    hasNews = true;
    asked.delete(chunk);
  }

  function askTheRelay(able: ReadonlyMap<string, Newcomer>): void {
    const now = clock();
    const waiting = [...missing].filter((chunk) => !asked.has(chunk) && !lanes.has(chunk));
    const due = nextFromRelay({
      chunks,
      totalBytes: chunks * CHUNK_BYTES,
      doneBytes: chunks * CHUNK_BYTES - leftBytes(),
      elapsedMs: (now - startedAt) * 1000,
      graceMs: 0,
      httpRate: rate.current(),
      waiting,
      asked: [...asked].map(([chunk, { askedAt, transfer }]) => ({
        chunk,
        silentMs: transfer.bytesLeft < CHUNK_BYTES ? 0 : (now - askedAt) * 1000, // no line here stops once it began
        leftBytes: transfer.bytesLeft,
      })),
      lanes: lanes.size,
      laneBytes: sumLeft(lanes.values()),
      sizeBytes: () => CHUNK_BYTES,
      isHeld: (chunk) => [...able.values()].some((peer) => hasChunk(peer.have, chunk)),
      mayGrow: isExpecting,
    });
    for (const one of asked.values()) if (isLate(one)) slow.add(one.peer);
    for (const { chunk, why } of due) loadFromRelay(chunk, why);
  }

  /** What is to come of all chunks, also of those that are under way. */
  function leftBytes(): number {
    const underWay = asked.size + lanes.size;
    const transfers = [...asked.values()].map(({ transfer }) => transfer);
    return (missing.size - underWay) * CHUNK_BYTES + sumLeft(transfers) + sumLeft(lanes.values());
  }

  /** All from the relay, as a page loads that shares nothing (worker/link/blob-loading.ts). */
  function loadNextBatch(): void {
    if (lanes.size > 0) return;
    for (const chunk of [...missing].slice(0, BATCH)) loadFromRelay(chunk, "unheld");
  }

  /** Load a chunk from the relay; of one that a peer sends, the rest. */
  function loadFromRelay(chunk: number, why: RelayReason): void {
    const cut = asked.get(chunk);
    const sizeBytes = cut === undefined ? CHUNK_BYTES : cut.transfer.bytesLeft;
    asked.delete(chunk);
    cut?.peer.stopServing(cut.transfer);
    const fromMs = clock() * 1000;
    const firstMs = fromMs + HTTP_DELAY_SECONDS * 1000;
    const lane: Lane = {
      from: relay,
      to: visitor,
      startsAt: clock() + HTTP_DELAY_SECONDS,
      sizeBytes,
      bytesLeft: sizeBytes,
      onDone: (at) => {
        relayBytes += sizeBytes;
        lanes.delete(chunk);
        if (cut === undefined) {
          rate.note({ sizeBytes: CHUNK_BYTES, fromMs, firstMs, toMs: at * 1000 });
        }
        counts[why] += sizeBytes / CHUNK_BYTES;
        counts.peers += 1 - sizeBytes / CHUNK_BYTES;
        finish(chunk);
      },
    };
    lanes.set(chunk, lane);
    transfers.add(lane);
  }

  function stopLane(lane: Lane): void {
    relayBytes += lane.sizeBytes - lane.bytesLeft;
    transfers.cancel(lane);
  }

  /** A chunk is here. */
  function finish(chunk: number): void {
    hasNews = true;
    missing.delete(chunk);
    addChunk(have, chunk);
    uploads.receive(CHUNK_BYTES);
    if (missing.size === 0) doneAt = clock();
  }

  const self: Newcomer = {
    name: visitor.name,
    visitor,
    have,
    isTraining,
    links,
    counts,
    relayBytes: () => relayBytes,
    slowLinks: () => [...links].filter((peer) => slow.has(peer)).length,
    loadSeconds: () => (doneAt === null ? null : doneAt - startedAt),
    expectNobody() {
      hasNews = true;
      isExpecting = false;
    },
    look() {
      if (doneAt !== null || (!hasNews && clock() - lookedAt < LOOK_SECONDS)) return;
      [hasNews, lookedAt] = [false, clock()];
      const able = suppliers();
      if (!isSharing) return loadNextBatch();
      askPeers(able);
      askTheRelay(able);
    },
    serve(taker, onDone, onLost) {
      const waitMs = uploads.reserve(CHUNK_BYTES);
      if (waitMs === null) return null;
      const transfer: Transfer = {
        from: visitor,
        to: taker.visitor,
        startsAt: clock() + PEER_DELAY_SECONDS + waitMs / 1000,
        bytesLeft: CHUNK_BYTES,
        onDone: () => {
          serving.delete(transfer);
          onDone();
        },
      };
      serving.set(transfer, onLost);
      transfers.add(transfer);
      return transfer;
    },
    stopServing(transfer) {
      if (!serving.delete(transfer)) return;
      uploads.giveBack(transfer.bytesLeft);
      transfers.cancel(transfer);
    },
    leave() {
      for (const lane of lanes.values()) stopLane(lane);
      for (const { peer, transfer } of asked.values()) peer.stopServing(transfer);
      for (const [transfer, onLost] of serving) {
        transfers.cancel(transfer);
        onLost();
      }
      for (const peer of links) peer.links.delete(self);
    },
  };
  return self;
}

function sumLeft(transfers: Iterable<Transfer>): number {
  return [...transfers].reduce((sum, { bytesLeft }) => sum + bytesLeft, 0);
}
