import { sha256 } from "../../core/crypto/signature.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { Store } from "../store/store.ts";

export type WantedBlob = { readonly sha256: string; readonly sizeBytes: number };

/** Where blobs come from, and who hears of the bytes that had to be fetched. */
export type BlobSource = {
  readonly store: Store;
  readonly client: RelayClient;
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
  const found = await Promise.all(wanted.map((blob) => storedBlob(blob.sha256, source.store)));
  const missing = wanted.filter((_, index) => found[index] === null);
  source.progress.expect(missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
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

async function storedBlob(id: string, store: Store): Promise<Uint8Array<ArrayBuffer> | null> {
  const bytes = await store.blob(id);
  if (bytes === null || (await sha256(bytes)) === id) return bytes;
  await store.deleteBlob(id); // a worn disk: the relay has it whole
  return null;
}

async function fetchBlob(
  { sha256, sizeBytes }: WantedBlob,
  { store, client, progress, signal }: BlobSource,
  prefix: string | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await client.blob(sha256, {
    signal,
    maxBytes: sizeBytes,
    onBytes: (count) => progress.receive(count),
    ...(prefix === undefined ? {} : { prefix }),
  });
  await store.putBlob(sha256, bytes);
  return bytes;
}
