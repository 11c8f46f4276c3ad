import { assert } from "../../core/errors.ts";
import { chunkSizes } from "../../core/models/addition-files.ts";
import type { ModelSource, SourceShard } from "../../core/models/model-source.ts";
import {
  ADDITION_CHUNK_BYTES,
  type AdditionPlan,
  type ChunkedFile,
} from "../../core/protocol/schemas/addition.ts";
import type { DataPlan } from "../../core/protocol/schemas/data.ts";
import { StorageFullError } from "../storage-error.ts";
import { checked } from "./damage.ts";
import type { Objects } from "./objects.ts";

/** What is uploaded of each addition and kept of it, by hash, until it is entered; no route reads any of it. */
export type AdditionFiles = {
  /** Remove the additions to which nothing came since `before`, in ms since 1970, but for `kept`; returns their ids. */
  sweep(before: number, kept: ReadonlySet<string>): Promise<string[]>;
  /** Count it as one to which something came now. */
  touch(id: string): Promise<void>;
  /** Make room for an addition. Throws a StorageFullError where the disk has less than the plan's files need. */
  open(id: string, plan: AdditionPlan | DataPlan): Promise<void>;
  /** Keep bytes of it, whose hash was checked. */
  put(id: string, sha256: string, bytes: Uint8Array): Promise<void>;
  /** The hashes of what is there. */
  chunks(id: string): Promise<Set<string>>;
  /** What was uploaded, once all of it is there, as a relay imports it. */
  source(id: string, plan: AdditionPlan): ModelSource;
  /** Shards of it that are all there. */
  shards(id: string, planned: readonly PlannedShard[]): AsyncGenerator<SourceShard>;
  remove(id: string): Promise<void>;
};

type PlannedShard = AdditionPlan["shards"][number];

const MODEL_COPIES = 2; // on the disk at once: what was uploaded, and what the import makes of it
const DATA_COPIES = 3; // what was uploaded, the shards without what is left out, and these as blobs

export function openAdditionFiles(objects: Objects): AdditionFiles {
  const folderOf = (id: string) => `additions/${id}`;
  const touch = (id: string) => objects.put(`${folderOf(id)}/touched`, new Uint8Array(1));

  async function readFileOf(id: string, { sizeBytes, chunks }: ChunkedFile) {
    const bytes = new Uint8Array(sizeBytes);
    for (const [i, chunk] of chunks.entries()) {
      const read = await objects.read(`${folderOf(id)}/${chunk}`);
      assert(read !== null, `chunk ${chunk} was uploaded`);
      bytes.set(read, i * ADDITION_CHUNK_BYTES);
    }
    return bytes;
  }

  async function chunks(id: string): Promise<Set<string>> {
    const names = (await objects.list(folderOf(id))).map(({ name }) => name.split("/").at(-1)!);
    return new Set(names.filter((name) => name !== "touched"));
  }

  async function* readShards(id: string, planned: readonly PlannedShard[]) {
    for (const { title, examples, isReplay = false, sizeBytes, sha256 } of planned) {
      const read = await readFileOf(id, { sizeBytes, chunks: [sha256] });
      const bytes = await checked(`the shard "${title}"`, read, sha256);
      yield { title, examples, isReplay, bytes };
    }
  }

  return {
    async sweep(before, kept) {
      const last = new Map<string, number>();
      for (const { name, at } of await objects.list("additions")) {
        const id = name.split("/")[1]!;
        last.set(id, Math.max(at, last.get(id) ?? 0));
      }
      const left = [...last].filter(([id, at]) => at < before && !kept.has(id)).map(([id]) => id);
      for (const id of left) await objects.removeAll(folderOf(id));
      return left;
    },
    touch,
    async open(id, plan) {
      const sizes = chunkSizes(plan);
      const there = await chunks(id);
      const sum = (hashes: readonly string[]) =>
        hashes.reduce((total, hash) => total + sizes.get(hash)!, 0);
      const all = [...sizes.keys()];
      const copies = plan.format === "commonweight.data/1" ? DATA_COPIES : MODEL_COPIES;
      const needed = sum(all.filter((hash) => !there.has(hash))) + (copies - 1) * sum(all);
      const room = await objects.room();
      if (room !== null && room < needed) throw new StorageFullError(`${needed} bytes to add`);
      await touch(id);
    },
    put: (id, sha256, bytes) => objects.put(`${folderOf(id)}/${sha256}`, bytes),
    chunks,
    source(id, plan) {
      const { recipe, base, heldOut, tokenizer, upstream, shards } = plan;
      return {
        recipe,
        base: () => readFileOf(id, base),
        tokenizer: () =>
          Promise.all(
            (recipe.data.tokenizer?.files ?? []).map(async ({ name }, i) => {
              const file = tokenizer[i];
              assert(file !== undefined, `no ${name} was planned`);
              return { name, bytes: await readFileOf(id, file) };
            }),
          ),
        ...(upstream && {
          upstream: async () => ({
            lineage: upstream.lineage,
            record: await readFileOf(id, upstream.record),
            suites: await Promise.all(
              upstream.suites.map(async ({ file, signature }) => ({
                bytes: await readFileOf(id, file),
                signature,
              })),
            ),
          }),
        }),
        shardCount: shards.length,
        shards: () => readShards(id, shards),
        heldOut: async () => ({
          score: await readFileOf(id, heldOut.score),
          gate: await readFileOf(id, heldOut.gate),
          report: await readFileOf(id, heldOut.report),
          ...(heldOut.protected && { protected: await readFileOf(id, heldOut.protected) }),
        }),
      };
    },
    shards: readShards,
    remove: (id) => objects.removeAll(folderOf(id)),
  };
}
