import { sha256 } from "../../core/crypto/signature.ts";
import type { Random } from "../../core/random.ts";
import type { Bitfield } from "../../core/swarm/bitfield.ts";
import { nextFromRelay, PEER_PATIENCE_MS } from "../../core/swarm/pace.ts";
import { nextRequests, type Supplier } from "../../core/swarm/schedule.ts";
import type { Platform } from "../device/platform.ts";
import { type CutChunk, createCutChunks, type PeerPart } from "./cut-chunks.ts";
import type { ListedChunk } from "./holdings.ts";
import type { HttpRate } from "./http-rate.ts";
import { loadStateOf, type PeerRequest } from "./load-state.ts";
import { createRelayLanes, type RelaySource } from "./relay-lanes.ts";

/** Whom a race may ask, and who hears what came of it. */
export type Racers = RelaySource & {
  /** Those who are connected, with the chunks of the race that they have. */
  peers(): ReadonlyMap<string, Bitfield>;
  /** Whether another peer may be connected soon. */
  mayGrow(): boolean;
  /** Ask a peer for a chunk: the request's number. */
  want(peer: string, chunk: ListedChunk): number;
  cancel(peer: string, request: number): void;
  /** Take what came of a chunk from its peer, which sends no more: the race hears of it by `cut`. */
  cut(peer: string, request: number): void;
  /** A peer sent other bytes than those of the chunk. */
  ban(peer: string, chunk: ListedChunk): void;
  /** A chunk came, from the relay but for what a peer sent of it. */
  keep(chunk: ListedChunk, bytes: Uint8Array<ArrayBuffer>, part: PeerPart | null): Promise<void>;
  /** Awaited before chunks are asked for: pausing is the caller's. */
  readonly onBatch?: (() => Promise<void>) | undefined;
};

/** Where the race hears of its peers. */
export type Race = {
  came(peer: string, request: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  refused(peer: string, request: number): void;
  /** So many bytes of the chunk are here by now. */
  coming(peer: string, request: number, filled: number): void;
  /** The peer left, or was told to send no more, when so much had come. */
  cut(request: number, cut: CutChunk): void;
  left(peer: string): void;
  /** A peer joined or has more. */
  changed(): void;
  /** Whether that peer let a chunk wait too long, or refused one. */
  isSlow(peer: string): boolean;
  /** Run it: all chunks by their index, or what HTTP failed with where peers can't help. */
  run(): Promise<ReadonlyMap<number, Uint8Array<ArrayBuffer>>>;
};

const LOOK_MS = 100; // how often a race looks at the clock
const REST_MS = 1000; // a peer that refused has given its second's worth
const GIVE_UP_MS = 10_000; // on a peer, where the relay does not answer either

/**
 * Load `chunks`, whose indices count from 0, from peers, and from the relay what peers do not bring in time (protocol X6): a chunk that is late, one
 * that nobody connected has, and as many more as keep the load as fast as HTTP alone, a tenth and `graceMs`.
 */
export function createRace(
  chunks: readonly ListedChunk[],
  racers: Racers,
  {
    platform,
    rate,
    random,
    graceMs,
    signal,
  }: {
    readonly platform: Pick<Platform, "steadyMs" | "sleep">;
    readonly rate: HttpRate;
    readonly random: Random;
    readonly graceMs: number;
    readonly signal: AbortSignal;
  },
): Race {
  const startedAt = platform.steadyMs();
  const left = new Map(chunks.map((chunk) => [chunk.index, chunk]));
  const got = new Map<number, Uint8Array<ArrayBuffer>>();
  const asked = new Map<number, PeerRequest>(); // by request
  const checking = new Set<number>(); // chunks that a peer sent and that are being hashed
  const slow = new Set<string>(); // peers that let a chunk wait, or refused one
  const restUntil = new Map<string, number>(); // peers that refused
  const cuts = createCutChunks(); // chunks whose rest the relay sends
  let doneBytes = 0;
  let httpFault: { readonly error: unknown } | null = null;
  let news = Promise.withResolvers<void>();

  const changed = () => news.resolve();
  const fail = (error: unknown) => {
    httpFault = { error };
  };
  const lanes = createRelayLanes({
    source: racers,
    cuts,
    platform,
    rate,
    signal,
    finish,
    onFault: fail,
    onEnd: changed,
  });

  /** Chunks that no peer was asked for, and that do not come from the relay either, or are late there. */
  function unasked(now: number): ListedChunk[] {
    const taken = new Set([...asked.values()].map(({ chunk }) => chunk.index));
    const isLate = (index: number) =>
      now - (lanes.fromMs(index) ?? Number.NEGATIVE_INFINITY) >= PEER_PATIENCE_MS;
    const cut = new Set(cutOff());
    return [...left.values()].filter(
      ({ index }) => !taken.has(index) && !checking.has(index) && isLate(index) && !cut.has(index),
    );
  }

  /** Chunks whose rest is to come from the relay, and does not yet. */
  function cutOff(): number[] {
    return httpFault === null ? cuts.indexes().filter((index) => !lanes.has(index)) : [];
  }

  /** Peers that did not refuse a moment ago. */
  function suppliers(now: number): Supplier[] {
    const open = [...asked.values()].map(({ peer }) => peer);
    return [...racers.peers()]
      .filter(([peer]) => now >= (restUntil.get(peer) ?? 0))
      .map(([id, have]) => {
        const inFlight = open.filter((peer) => peer === id).length;
        return { id, have, inFlight, isSlow: slow.has(id) };
      });
  }

  function askPeers(now: number): void {
    const wanted = unasked(now).map(({ index }) => index);
    for (const { supplier, chunk: index } of nextRequests(wanted, suppliers(now), random)) {
      const chunk = left.get(index)!;
      const fresh = { askedAt: now, heardAt: now, filled: 0, isCut: false };
      asked.set(racers.want(supplier, chunk), { chunk, peer: supplier, ...fresh });
    }
  }

  /** Load from the relay what is due beside what peers bring, the most urgent first. */
  function askTheRelay(now: number): void {
    for (const { askedAt, peer } of asked.values()) {
      if (now - askedAt >= PEER_PATIENCE_MS) slow.add(peer);
    }
    const due = nextFromRelay(
      loadStateOf({
        ...{ chunks, left, requests: [...asked.values()], lanes, cutOff: cutOff() },
        ...{ unasked: unasked(now), peers: suppliers(now), doneBytes, graceMs },
        ...{ now, startedAt, httpRate: rate.current(), mayGrow: racers.mayGrow() },
      }),
    );
    const isAnswering = rate.current() !== null; // else the peer goes on meanwhile
    for (const { chunk } of due) {
      if (!isAnswering || !handOver(chunk)) void lanes.load(left.get(chunk)!);
    }
  }

  /** Take a chunk from the peer that sends it; false where no peer was asked for it. */
  function handOver(index: number): boolean {
    for (const [request, one] of asked) {
      if (one.chunk.index !== index) continue;
      one.isCut = true;
      racers.cut(one.peer, request);
      return true;
    }
    return false;
  }

  /** A chunk is here: whoever else was asked for it need not send it. */
  async function finish(
    chunk: ListedChunk,
    bytes: Uint8Array<ArrayBuffer>,
    part: PeerPart | null,
  ): Promise<void> {
    if (!left.delete(chunk.index)) return; // the other road was quicker
    got.set(chunk.index, bytes);
    doneBytes += bytes.length;
    const liar = cuts.settle(chunk.index, bytes);
    if (liar !== null) racers.ban(liar, chunk);
    for (const [request, { chunk: other, peer: holder }] of asked) {
      if (other.index !== chunk.index) continue;
      asked.delete(request);
      racers.cancel(holder, request);
    }
    await racers.keep(chunk, bytes, part);
  }

  /** Ask whom there is to ask. Throws what HTTP failed with where nothing else is under way. */
  function step(): void {
    const now = platform.steadyMs();
    askPeers(now);
    if (httpFault === null) {
      askTheRelay(now);
      return;
    }
    for (const [request, { peer, askedAt }] of asked) {
      if (now - askedAt < GIVE_UP_MS) continue;
      asked.delete(request);
      restUntil.set(peer, Number.POSITIVE_INFINITY);
      racers.cancel(peer, request);
    }
    if (asked.size + checking.size + lanes.size() === 0) throw httpFault.error;
  }

  function take(peer: string, request: number): PeerRequest | null {
    const answer = asked.get(request);
    if (answer?.peer !== peer) return null; // it was cancelled meanwhile
    asked.delete(request);
    return answer;
  }

  return {
    changed,
    isSlow: (peer) => slow.has(peer),
    async came(peer, request, bytes) {
      const answer = take(peer, request);
      if (answer === null) return;
      const { chunk, askedAt } = answer;
      checking.add(chunk.index);
      const isRight = (await sha256(bytes)) === chunk.sha256;
      checking.delete(chunk.index);
      if (!isRight) racers.ban(peer, chunk);
      else {
        if (platform.steadyMs() - askedAt < PEER_PATIENCE_MS) slow.delete(peer);
        if (left.has(chunk.index)) lanes.stop(chunk.index);
        await finish(chunk, bytes, { peer, sizeBytes: bytes.length }).catch(fail); // the store keeps nothing: no road helps
      }
      changed();
    },
    refused(peer, request) {
      if (take(peer, request) === null) return;
      slow.add(peer);
      restUntil.set(peer, platform.steadyMs() + REST_MS);
      changed();
    },
    coming(peer, request, filled) {
      const answer = asked.get(request);
      if (answer?.peer !== peer) return; // it was cancelled meanwhile
      answer.filled = filled;
      answer.heardAt = platform.steadyMs();
    },
    cut(request, cut) {
      const answer = take(cut.peer, request);
      if (answer !== null && httpFault === null) {
        cuts.keep(answer.chunk, cut);
        if (answer.isCut) void lanes.load(answer.chunk);
      }
      changed();
    },
    left(peer) {
      for (const [request, { peer: holder }] of asked) {
        if (holder === peer) asked.delete(request);
      }
      changed();
    },
    async run() {
      try {
        while (left.size > 0) {
          await racers.onBatch?.();
          news = Promise.withResolvers();
          step();
          const looking = new AbortController();
          const look = platform.sleep(LOOK_MS, AbortSignal.any([signal, looking.signal]));
          await Promise.race([news.promise, look]).finally(() => looking.abort());
        }
        return got;
      } finally {
        lanes.stopAll();
        for (const [request, { peer }] of asked) racers.cancel(peer, request);
        asked.clear();
      }
    },
  };
}
