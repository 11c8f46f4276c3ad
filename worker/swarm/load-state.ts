import { hasChunk } from "../../core/swarm/bitfield.ts";
import type { LoadState } from "../../core/swarm/pace.ts";
import type { Supplier } from "../../core/swarm/schedule.ts";
import type { ListedChunk } from "./holdings.ts";
import type { RelayLanes } from "./relay-lanes.ts";

/** A chunk that a peer was asked for. */
export type PeerRequest = {
  readonly chunk: ListedChunk;
  readonly peer: string;
  readonly askedAt: number;
  /** When some of its bytes came last, and how many are here. */
  heardAt: number;
  filled: number;
  /** The relay is to send what the peer has not. */
  isCut: boolean;
};

/** How far a race is, at the time `now`. */
export type RaceProgress = {
  readonly chunks: readonly ListedChunk[];
  /** Those that are not here yet, by their index. */
  readonly left: ReadonlyMap<number, ListedChunk>;
  readonly requests: readonly PeerRequest[];
  readonly lanes: RelayLanes;
  /** Chunks whose rest is to come from the relay, and does not yet. */
  readonly cutOff: readonly number[];
  /** Chunks that no peer was asked for, and that do not come from the relay either, or are late there. */
  readonly unasked: readonly ListedChunk[];
  readonly peers: readonly Supplier[];
  /** Of the chunks that are here. */
  readonly doneBytes: number;
  readonly graceMs: number;
  readonly now: number;
  readonly startedAt: number;
  readonly httpRate: number | null;
  readonly mayGrow: boolean;
};

/** What decides which chunks the relay is asked for. */
export function loadStateOf(race: RaceProgress): LoadState {
  const { chunks, left, requests, lanes, cutOff, unasked, peers, now } = race;
  const fromPeers = requests.filter(({ chunk }) => !lanes.has(chunk.index));
  const handedOver = fromPeers.filter(({ isCut }) => isCut);
  const inLanes = [...left.values()]
    .filter(({ index }) => lanes.has(index))
    .map((chunk) => ({ filled: lanes.filled(chunk.index), chunk }));
  return {
    chunks: chunks.length,
    totalBytes: sum(chunks.map(({ sizeBytes }) => sizeBytes)),
    doneBytes: race.doneBytes + sum([...fromPeers, ...inLanes].map(({ filled }) => filled)),
    elapsedMs: now - race.startedAt,
    graceMs: race.graceMs,
    httpRate: race.httpRate,
    waiting: unasked.map(({ index }) => index).filter((index) => !lanes.has(index)),
    asked: [
      ...cutOff.map((chunk) => ({ chunk, silentMs: Number.POSITIVE_INFINITY, leftBytes: 0 })), // their peers left
      ...fromPeers
        .filter(({ isCut }) => !isCut)
        .map((request) => ({
          chunk: request.chunk.index,
          silentMs: now - request.heardAt,
          leftBytes: leftOf(request),
        })),
    ],
    lanes: lanes.size() + handedOver.length,
    laneBytes: sum([...handedOver, ...inLanes].map(leftOf)),
    sizeBytes: (index) => left.get(index)!.sizeBytes,
    isHeld: (index) => peers.some(({ have }) => hasChunk(have, index)),
    mayGrow: race.mayGrow,
  };
}

function leftOf({ chunk, filled }: Pick<PeerRequest, "chunk" | "filled">): number {
  return chunk.sizeBytes - filled;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
