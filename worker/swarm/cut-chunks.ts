import type { ListedChunk } from "./holdings.ts";

/** How much of a chunk a peer sent: all, or the beginning. */
export type PeerPart = { readonly peer: string; readonly sizeBytes: number };

/** The beginning of a chunk, whose peer left, or was told to stop, before it had sent the rest. */
export type CutChunk = {
  readonly peer: string;
  /** As long as the whole chunk; only the first `filled` came. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly filled: number;
};

/** What such peers had sent of chunks that are not here yet, by the chunk's index. */
export type CutChunks = {
  /** Keep what came, unless more of the chunk is kept. */
  keep(chunk: ListedChunk, cut: CutChunk): void;
  get(index: number): CutChunk | undefined;
  indexes(): number[];
  /** The whole chunk is here, and right: the peer that had sent other bytes at its beginning, or null. */
  settle(index: number, whole: Uint8Array): string | null;
};

export function createCutChunks(): CutChunks {
  const cuts = new Map<number, CutChunk>();

  return {
    keep({ index }, cut) {
      if (cut.filled > (cuts.get(index)?.filled ?? 0)) cuts.set(index, cut);
    },
    get: (index) => cuts.get(index),
    indexes: () => [...cuts.keys()],
    settle(index, whole) {
      const cut = cuts.get(index);
      if (cut === undefined) return null;
      cuts.delete(index);
      const sent = cut.bytes.subarray(0, cut.filled);
      return sent.every((byte, at) => byte === whole[at]) ? null : cut.peer;
    },
  };
}
