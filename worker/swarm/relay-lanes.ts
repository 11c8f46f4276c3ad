import { sha256 } from "../../core/crypto/signature.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import type { Platform } from "../device/platform.ts";
import type { CutChunk, CutChunks, PeerPart } from "./cut-chunks.ts";
import type { ListedChunk } from "./holdings.ts";
import type { HttpRate } from "./http-rate.ts";

/** How chunks come from the relay. */
export type RelaySource = {
  /** The chunk from the relay, its bytes checked; `onBytes` hears how many came, piece by piece. */
  fetch(
    chunk: ListedChunk,
    signal: AbortSignal,
    onBytes: (bytes: number) => void,
  ): Promise<Uint8Array<ArrayBuffer>>;
  /** The chunk's bytes after the first `from`, from the relay; they are not checked. */
  fetchRest(
    chunk: ListedChunk,
    from: number,
    signal: AbortSignal,
    onBytes: (bytes: number) => void,
  ): Promise<Uint8Array>;
};

export type RelayLanesParts = {
  readonly source: RelaySource;
  readonly cuts: Pick<CutChunks, "get">;
  readonly platform: Pick<Platform, "steadyMs">;
  readonly rate: Pick<HttpRate, "note">;
  readonly signal: AbortSignal;
  /** A chunk came, from the relay but for what a peer sent of it. */
  readonly finish: (
    chunk: ListedChunk,
    bytes: Uint8Array<ArrayBuffer>,
    part: PeerPart | null,
  ) => Promise<void>;
  /** A chunk failed to come, and nobody had stopped it. */
  readonly onFault: (error: unknown) => void;
  /** A lane is free again. */
  readonly onEnd: () => void;
};

/** The chunks of a race that come from the relay, by their index. */
export type RelayLanes = {
  /** How many come now. */
  size(): number;
  has(index: number): boolean;
  /** When the chunk was asked for; undefined where it does not come. */
  fromMs(index: number): number | undefined;
  /** How many of the chunk's bytes are here, also those that a peer sent; 0 where it does not come. */
  filled(index: number): number;
  load(chunk: ListedChunk): Promise<void>;
  stop(index: number): void;
  stopAll(): void;
};

type Lane = { readonly abort: AbortController; readonly fromMs: number; filled: number };

/** Load chunks from the relay: whole, or the rest of those that a peer was cut off from. */
export function createRelayLanes(parts: RelayLanesParts): RelayLanes {
  const { source, cuts, platform, rate, signal, finish, onFault, onEnd } = parts;
  const lanes = new Map<number, Lane>();

  async function load(chunk: ListedChunk): Promise<void> {
    const abort = new AbortController();
    const follow = () => abort.abort(signal.reason);
    signal.addEventListener("abort", follow);
    const cut = cuts.get(chunk.index);
    const lane: Lane = { abort, fromMs: platform.steadyMs(), filled: cut?.filled ?? 0 };
    lanes.set(chunk.index, lane);
    try {
      const completed = cut === undefined ? null : await complete(chunk, cut, lane);
      if (cut !== undefined && completed !== null) {
        await finish(chunk, completed, { peer: cut.peer, sizeBytes: cut.filled });
      } else await finish(chunk, await loadWhole(chunk, lane), null);
    } catch (error) {
      if (!abort.signal.aborted) onFault(error);
    } finally {
      signal.removeEventListener("abort", follow);
      lanes.delete(chunk.index);
      onEnd();
    }
  }

  /** The chunk from the relay, which shows how fast the relay is; the rest of one that was cut off may be too little for that. */
  async function loadWhole(chunk: ListedChunk, lane: Lane): Promise<Uint8Array<ArrayBuffer>> {
    const fromMs = platform.steadyMs();
    let firstMs: number | null = null;
    lane.filled = 0;
    const bytes = await source.fetch(chunk, lane.abort.signal, (count) => {
      firstMs ??= platform.steadyMs();
      lane.filled += count;
    });
    const toMs = platform.steadyMs();
    rate.note({ sizeBytes: bytes.length, fromMs, firstMs: firstMs ?? toMs, toMs });
    return bytes;
  }

  /** What a peer sent of a chunk, with the rest from the relay; null where that does not come, or is not the chunk. */
  async function complete(
    chunk: ListedChunk,
    { bytes, filled }: CutChunk,
    lane: Lane,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    const count = (more: number) => {
      lane.filled = Math.min(chunk.sizeBytes, lane.filled + more); // a cache may send the whole
    };
    try {
      bytes.set(await source.fetchRest(chunk, filled, lane.abort.signal, count), filled);
    } catch (error) {
      if (!(error instanceof RelayError)) throw error;
      return null;
    }
    return (await sha256(bytes)) === chunk.sha256 ? bytes : null;
  }

  return {
    load,
    size: () => lanes.size,
    has: (index) => lanes.has(index),
    fromMs: (index) => lanes.get(index)?.fromMs,
    filled: (index) => lanes.get(index)?.filled ?? 0,
    stop: (index) => lanes.get(index)?.abort.abort(),
    stopAll() {
      for (const { abort } of lanes.values()) abort.abort();
    },
  };
}
