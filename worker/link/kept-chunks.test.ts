import { expect, test } from "vitest";
import { CHUNK_BYTES } from "../../core/protocol/limits.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import type { Swarm } from "../swarm/swarm.ts";
import type { BlobSource } from "./blob-loading.ts";
import { offerKept } from "./kept-chunks.ts";

const TICKET = { model: "tiny", base: { number: 7 } } as Parameters<typeof offerKept>[0];
const SHARDS = ["s0", "s1", "s2"].map((sha256, index) => ({ index, sha256, sizeBytes: 10 }));
const STEPS = [
  { version: 5, checkpoint: "c5", sha256: "small", sizeBytes: 1000 },
  { version: 6, checkpoint: "c6", sha256: "step6", sizeBytes: 1 << 20 },
  { version: 7, checkpoint: "c7", sha256: "step7", sizeBytes: 1 << 20 },
];
const manifest = {
  chunkBytes: CHUNK_BYTES,
  chunks: ["k0", "k1"],
  tensors: [{ name: "w", shape: [300_000] }],
};

/** A volunteer who comes back with these blobs in the store. */
function returning(kept: readonly string[]) {
  const stage = {
    isAway: false,
    isOpen: true,
    asked: 0,
    offered: [] as [string, number, string[]][],
  };
  const answer = async <T>(value: T): Promise<T> => {
    stage.asked++;
    if (stage.isAway) throw new RelayError("unreachable", "retry", "the relay is away");
    return value;
  };
  const source = {
    client: {
      checkpoint: () => answer({ keyframe: { checkpoint: "key", manifest }, steps: STEPS }),
      shards: () => answer({ shards: SHARDS }),
    },
    store: { blobNames: async () => new Set(kept) },
    signal: new AbortController().signal,
  } as unknown as BlobSource; // what is read of it is there
  const swarm = {
    isOpen: () => stage.isOpen,
    hasOfferedKept: () => stage.offered.length > 0,
    offerKept: ({ list, count }, chunks) =>
      void stage.offered.push([list, count, chunks.map(({ sha256 }) => sha256)]),
  } as Partial<Swarm> as Swarm; // as well
  return { stage, offer: () => offerKept(TICKET, source, swarm) };
}

test("X7: a volunteer who returns offers what it kept of the newest keyframe, steps and shards, once", async () => {
  const { stage, offer } = returning(["k1", "s0", "s2", "small", "step7", "of another model"]);
  await offer();
  expect(stage.offered).toEqual([
    ["key", 2, ["k1"]],
    ["step6", 1, []],
    ["step7", 1, ["step7"]],
    ["shards", 3, ["s0", "s2"]],
  ]);
  await offer();
  expect(stage.offered).toHaveLength(4);
});

test("X7: a volunteer who does not share asks for no lists, and a relay that is away stops no piece", async () => {
  const { stage, offer } = returning(["s0"]);
  stage.isOpen = false;
  await offer();
  expect(stage.asked).toBe(0);
  Object.assign(stage, { isOpen: true, isAway: true });
  await offer();
  stage.isAway = false;
  await offer();
  expect(stage.offered.at(-1)).toEqual(["shards", 3, ["s0"]]);
});
