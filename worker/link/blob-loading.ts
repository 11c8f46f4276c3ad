import { sha256 } from "../../core/crypto/signature.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { Store } from "../store/store.ts";
import type { ListPart } from "../swarm/holdings.ts";
import type { Swarm } from "../swarm/swarm.ts";

export type WantedBlob = { readonly sha256: string; readonly sizeBytes: number };

/** Where blobs come from, and who hears of the bytes that had to be fetched. */
export type BlobSource = {
  readonly store: Store;
  readonly client: RelayClient;
  /** Other volunteers, who may have chunks of lists. */
  readonly swarm?: Swarm;
  readonly progress: DownloadProgress;
  readonly signal: AbortSignal;
  /** Awaited before each batch of downloads: pausing is the caller's. */
  readonly onBatch?: () => Promise<void>;
};

export type DownloadProgress = {
  /** So many bytes more will be fetched. */
  expect(bytes: number): void;
  /** So many of them came. */
  receive(bytes: number): void;
};

const FETCHES_AT_ONCE = 6; // as many as a browser opens to one HTTP/1.1 server

/**
 * The `wanted` blobs in their order: out of the store, else from the relay, which fills the store.
 * Every blob's bytes hash to its name, wherever they came from; damaged ones are fetched anew.
 */
export async function loadBlobs(
  wanted: readonly WantedBlob[],
  source: BlobSource,
  prefix?: string,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const { found, missing } = await lookInStore(wanted, source);
  const fetched = new Map<string, Uint8Array<ArrayBuffer>>();
  for (let first = 0; first < missing.length; first += FETCHES_AT_ONCE) {
    await source.onBatch?.();
    const batch = missing.slice(first, first + FETCHES_AT_ONCE);
    await Promise.all(
      batch.map(async (blob) => fetched.set(blob.sha256, await fetchBlob(blob, source, prefix))),
    );
  }
  return wanted.map(({ sha256 }, index) => found[index] ?? fetched.get(sha256)!);
}

/** As `loadBlobs`, for the chunks of lists, one list after the other: volunteers are asked as well, where there are any. */
export async function loadChunks(
  parts: readonly ListPart[],
  source: BlobSource,
  prefix?: string,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const { swarm, store, client, progress, onBatch } = source;
  const wanted = parts.flatMap(({ chunks }) => chunks);
  if (wanted.length === 0) return [];
  if (swarm === undefined) return await loadBlobs(wanted, source, prefix);
  if (!swarm.isOpen()) {
    const blobs = await loadBlobs(wanted, source, prefix);
    for (const { list, chunks } of parts) swarm.offer(list, chunks); // to whom the volunteer may say yes later
    return blobs;
  }
  const { found, missing } = await lookInStore(wanted, source);
  const lacking = new Set(missing);
  for (const { list, chunks } of parts) {
    swarm.offer(
      list,
      chunks.filter((chunk) => !lacking.has(chunk)),
    );
  }
  const lacked = parts.map(({ list, chunks }) => ({
    list,
    chunks: chunks.filter((chunk) => lacking.has(chunk)),
  }));
  const came = await swarm.load(lacked, {
    signal: source.signal,
    onBatch,
    fetch: ({ sha256, sizeBytes: maxBytes }, signal, onBytes) =>
      client.blob(sha256, { signal, maxBytes, onBytes, ...(prefix !== undefined && { prefix }) }),
    fetchRest: ({ sha256, sizeBytes }, from, signal, onBytes) =>
      client.blobRest(sha256, sizeBytes, from, {
        signal,
        onBytes,
        ...(prefix !== undefined && { prefix }),
      }),
    async keep({ sha256 }, bytes) {
      progress.receive(bytes.length);
      await store.putBlob(sha256, bytes);
    },
  });
  const bytesOf = new Map(missing.map((chunk, i) => [chunk, came[i]!]));
  return wanted.map((chunk, i) => found[i] ?? bytesOf.get(chunk)!);
}

/** Which of the blobs are in the store, and which have to come. */
async function lookInStore<B extends WantedBlob>(
  wanted: readonly B[],
  { store, progress }: BlobSource,
): Promise<{ found: (Uint8Array<ArrayBuffer> | null)[]; missing: B[] }> {
  const found = await Promise.all(wanted.map((blob) => storedBlob(blob.sha256, store)));
  const missing = wanted.filter((_, index) => found[index] === null);
  progress.expect(missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  return { found, missing };
}

async function storedBlob(id: string, store: Store): Promise<Uint8Array<ArrayBuffer> | null> {
  const bytes = await store.blob(id);
  if (bytes === null || (await sha256(bytes)) === id) return bytes;
  await store.deleteBlob(id); // a worn disk: the relay has it whole
  return null;
}

async function fetchBlob(
  { sha256, sizeBytes }: WantedBlob,
  { store, client, swarm, progress, signal }: BlobSource,
  prefix: string | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await client.blob(sha256, {
    signal,
    maxBytes: sizeBytes,
    onBytes: (count) => progress.receive(count),
    ...(prefix === undefined ? {} : { prefix }),
  });
  swarm?.receive(bytes.length);
  await store.putBlob(sha256, bytes);
  return bytes;
}
