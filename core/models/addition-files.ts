import { sha256 } from "../crypto/signature.ts";
import {
  ADDITION_CHUNK_BYTES,
  type AdditionPlan,
  type ChunkedFile,
} from "../protocol/schemas/addition.ts";
import type { DataPlan } from "../protocol/schemas/data.ts";
import type { ModelSource, SourceShard, Upstream } from "./model-source.ts";

export type AdditionChunk = { readonly sha256: string; readonly bytes: Uint8Array<ArrayBuffer> };

/** What a model's addition consists of, by the files of `source` (protocol R6). */
export async function planAddition(source: ModelSource): Promise<AdditionPlan> {
  const { recipe } = source;
  const { protected: suite, ...heldOut } = await source.heldOut();
  const tokenizer = (await source.tokenizer?.()) ?? [];
  const shards: AdditionPlan["shards"] = [];
  for await (const shard of source.shards()) shards.push(await planShard(shard));
  return {
    format: "commonweight.addition/1",
    recipe,
    base: await planFile(await source.base()),
    heldOut: {
      score: await planFile(heldOut.score),
      gate: await planFile(heldOut.gate),
      report: await planFile(heldOut.report),
      ...(suite && { protected: await planFile(suite) }),
    },
    tokenizer: await Promise.all(tokenizer.map(({ bytes }) => planFile(bytes))),
    ...(source.upstream && { upstream: await planUpstream(await source.upstream()) }),
    shards,
  };
}

async function planUpstream({ lineage, record, suites }: Upstream) {
  return {
    lineage: [...lineage],
    record: await planFile(record),
    suites: await Promise.all(
      suites.map(async ({ bytes, signature }) => ({ file: await planFile(bytes), signature })),
    ),
  };
}

async function planShard({ title, examples, isReplay, bytes }: SourceShard) {
  return {
    title,
    examples,
    ...(isReplay === true && { isReplay }),
    sizeBytes: bytes.length,
    sha256: await sha256(bytes),
  };
}

/** What an addition of data consists of, by the `shards` that they were cut into (protocol R10). */
export async function planData(
  about: Pick<DataPlan, "model" | "source" | "licence">,
  shards: Iterable<SourceShard>,
): Promise<DataPlan> {
  const planned: DataPlan["shards"] = [];
  for (const { title, examples, bytes } of shards) {
    planned.push({ title, examples, sizeBytes: bytes.length, sha256: await sha256(bytes) });
  }
  return { format: "commonweight.data/1", ...about, shards: planned };
}

async function planFile(bytes: Uint8Array<ArrayBuffer>): Promise<ChunkedFile> {
  const chunks: string[] = [];
  for (const chunk of cut(bytes)) chunks.push(await sha256(chunk));
  return { sizeBytes: bytes.length, chunks };
}

/** Every chunk of a source's files, one file in memory at a time. */
export async function* chunksOf(source: ModelSource): AsyncGenerator<AdditionChunk> {
  yield* hashed(await source.base());
  for (const file of (await source.tokenizer?.()) ?? []) yield* hashed(file.bytes);
  const sets = await source.heldOut();
  for (const set of [sets.score, sets.gate, sets.report, sets.protected]) {
    if (set !== undefined) yield* hashed(set);
  }
  const upstream = await source.upstream?.();
  if (upstream !== undefined) {
    yield* hashed(upstream.record);
    for (const { bytes } of upstream.suites) yield* hashed(bytes);
  }
  yield* chunksOfShards(source.shards());
}

/** A shard is one chunk. */
export async function* chunksOfShards(
  shards: AsyncIterable<SourceShard> | Iterable<SourceShard>,
): AsyncGenerator<AdditionChunk> {
  for await (const { bytes } of shards) yield { sha256: await sha256(bytes), bytes };
}

async function* hashed(bytes: Uint8Array<ArrayBuffer>): AsyncGenerator<AdditionChunk> {
  for (const chunk of cut(bytes)) yield { sha256: await sha256(chunk), bytes: chunk };
}

function* cut(bytes: Uint8Array<ArrayBuffer>): Generator<Uint8Array<ArrayBuffer>> {
  for (let from = 0; from < bytes.length; from += ADDITION_CHUNK_BYTES) {
    yield bytes.subarray(from, from + ADDITION_CHUNK_BYTES);
  }
}

/** The size of each chunk that a plan names, by its hash. */
export function chunkSizes(plan: AdditionPlan | DataPlan): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { sha256: shard, sizeBytes } of plan.shards) sizes.set(shard, sizeBytes);
  if (plan.format === "commonweight.data/1") return sizes;
  const { base, heldOut, tokenizer, upstream } = plan;
  const sets = Object.values(heldOut).filter((set) => set !== undefined);
  const brought =
    upstream === undefined ? [] : [upstream.record, ...upstream.suites.map(({ file }) => file)];
  for (const { sizeBytes, chunks } of [base, ...sets, ...tokenizer, ...brought]) {
    for (const [i, chunk] of chunks.entries()) {
      sizes.set(chunk, Math.min(ADDITION_CHUNK_BYTES, sizeBytes - i * ADDITION_CHUNK_BYTES));
    }
  }
  return sizes;
}
