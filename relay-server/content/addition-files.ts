import { mkdir, readdir, readFile, rm, stat, statfs, utimes } from "node:fs/promises";
import { join } from "node:path";
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
import { writeDurably } from "./durable-file.ts";

/** A folder for each addition: its chunks by hash, until all was read; no route reads them. */
export type AdditionFiles = {
  /** Remove the additions to which nothing came since `before`, in ms since 1970, but for `kept`; returns their ids. */
  sweep(before: number, kept: ReadonlySet<string>): Promise<string[]>;
  /** Count it as one to which something came now. */
  touch(id: string): Promise<void>;
  /** Make room for an addition. Throws a StorageFullError where the disk has less than the plan's files need. */
  open(id: string, plan: AdditionPlan | DataPlan): Promise<void>;
  /** Keep a chunk of it, whose hash was checked. */
  put(id: string, sha256: string, bytes: Uint8Array): Promise<void>;
  /** The chunks that are there. */
  chunks(id: string): Promise<Set<string>>;
  /** What was uploaded, once all of it is there, as a relay imports it. */
  source(id: string, plan: AdditionPlan): ModelSource;
  /** The shards of a plan, once all of them are there. */
  shards(id: string, planned: readonly PlannedShard[]): AsyncGenerator<SourceShard>;
  remove(id: string): Promise<void>;
};

type PlannedShard = AdditionPlan["shards"][number];

const COPIES = 2; // on the disk at once: what was uploaded, and what the import makes of it

/** The additions in `folder`; drafts go to `temporary`, on the same disk. */
export function openAdditionFiles(folder: string, temporary: string): AdditionFiles {
  const pathOf = (id: string, sha256: string) => join(folder, id, sha256);

  async function readFileOf(id: string, { sizeBytes, chunks }: ChunkedFile) {
    const bytes = new Uint8Array(sizeBytes);
    for (const [i, chunk] of chunks.entries()) {
      bytes.set(await readFile(pathOf(id, chunk)), i * ADDITION_CHUNK_BYTES);
    }
    return bytes;
  }

  async function* readShards(id: string, planned: readonly PlannedShard[]) {
    for (const { title, examples, isReplay = false, sizeBytes, sha256 } of planned) {
      const bytes = await readFileOf(id, { sizeBytes, chunks: [sha256] });
      yield { title, examples, isReplay, bytes };
    }
  }

  return {
    async sweep(before, kept) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const removed: string[] = [];
      for (const id of await readdir(folder)) {
        const { mtimeMs } = await stat(join(folder, id));
        if (mtimeMs >= before || kept.has(id)) continue;
        await rm(join(folder, id), { recursive: true });
        removed.push(id);
      }
      return removed;
    },
    touch: (id) => utimes(join(folder, id), new Date(), new Date()),
    async open(id, plan) {
      await mkdir(join(folder, id), { recursive: true, mode: 0o700 });
      const needed = [...chunkSizes(plan).values()].reduce((sum, size) => sum + size, 0);
      const disk = await statfs(folder);
      if (disk.bavail * disk.bsize < COPIES * needed)
        throw new StorageFullError(`${needed} bytes to add`);
    },
    put: (id, sha256, bytes) => writeDurably(pathOf(id, sha256), bytes, { temporary, mode: 0o600 }),
    chunks: async (id) => new Set(await readdir(join(folder, id))),
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
    remove: (id) => rm(join(folder, id), { recursive: true, force: true }),
  };
}
