import { addChunk, type Bitfield, createBitfield } from "../../core/swarm/bitfield.ts";
import { SHARED_STEPS } from "../../core/swarm/shared-steps.ts";

/** A list whose chunks peers pass on: a keyframe's by its checkpoint's id, "shards" of a model, or a delta step by its file. */
export type ChunkList = {
  readonly kind: "keyframe" | "shards" | "step";
  readonly model: string;
  readonly list: string;
  /** How many chunks it has. */
  readonly count: number;
};

/** A blob that is chunk `index` of a list. */
export type ListedChunk = {
  readonly index: number;
  readonly sha256: string;
  readonly sizeBytes: number;
};

/** Chunks of one list. */
export type ListPart = { readonly list: ChunkList; readonly chunks: readonly ListedChunk[] };

/** What this device has of the lists that it loaded from in this visit. */
export type Holdings = {
  add(list: ChunkList, chunks: readonly ListedChunk[]): void;
  /** A chunk that others were told of, by its hash. */
  chunk(sha256: string): ListedChunk | null;
  /** The store gave it up. */
  remove(sha256: string): void;
  /** Forget a list that the relay does not know any more. */
  drop(list: ChunkList): void;
  /** Those that were added to last come first. */
  lists(): readonly ChunkList[];
  have(list: ChunkList): Bitfield;
};

const MAX_LISTS = 4; // as many keyframes as a relay tells of
const MAX_STEPS = SHARED_STEPS; // beside them: a crowd that is on the move takes no keyframe's place

export const listKey = ({ model, list }: Pick<ChunkList, "model" | "list">) => `${model} ${list}`;

export function createHoldings(): Holdings {
  const lists = new Map<string, { list: ChunkList; chunks: Map<number, ListedChunk> }>();

  return {
    add(list, chunks) {
      const key = listKey(list);
      const { chunks: held } = lists.get(key) ?? { chunks: new Map<number, ListedChunk>() };
      lists.delete(key); // the newest is the last
      lists.set(key, { list, chunks: held }); // a maintainer may have made it longer
      for (const chunk of chunks) held.set(chunk.index, chunk);
      const isStep = list.kind === "step";
      const alike = [...lists].filter(([, other]) => (other.list.kind === "step") === isStep);
      if (alike.length > (isStep ? MAX_STEPS : MAX_LISTS)) lists.delete(alike[0]![0]);
    },
    chunk(sha256) {
      for (const { chunks } of lists.values()) {
        for (const chunk of chunks.values()) if (chunk.sha256 === sha256) return chunk;
      }
      return null;
    },
    remove(sha256) {
      for (const { chunks } of lists.values()) {
        for (const [index, chunk] of chunks) if (chunk.sha256 === sha256) chunks.delete(index);
      }
    },
    drop: (list) => void lists.delete(listKey(list)),
    lists: () => [...lists.values()].map(({ list }) => list).reverse(),
    have(list) {
      const bitfield = createBitfield(list.count);
      for (const index of lists.get(listKey(list))?.chunks.keys() ?? []) addChunk(bitfield, index);
      return bitfield;
    },
  };
}
