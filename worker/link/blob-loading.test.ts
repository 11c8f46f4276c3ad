import { expect, test } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import { type BlobSource, loadBlobs, loadChunks } from "./blob-loading.ts";

test("no download is begun before its batch may be", async () => {
  const asked: string[] = [];
  const paused = Promise.withResolvers<void>();
  let batches = 0;
  const source = {
    store: { blob: async () => null, putBlob: async () => {} },
    client: {
      async blob(id: string) {
        asked.push(id);
        return new Uint8Array(1);
      },
    },
    progress: { expect: () => {}, receive: () => {} },
    signal: new AbortController().signal,
    async onBatch() {
      if (++batches === 2) await paused.promise;
    },
  } as unknown as BlobSource;
  const wanted = Array.from({ length: 8 }, (_, n) => ({ sha256: String(n), sizeBytes: 1 }));
  const loaded = loadBlobs(wanted, source);
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toHaveLength(6);
  paused.resolve();
  expect(await loaded).toHaveLength(8);
  expect(asked).toHaveLength(8);
});

test("X4: a load that breaks in the middle keeps the chunks that came, and goes on with those that it lacks", async () => {
  const store = new Map<string, Uint8Array<ArrayBuffer>>();
  const asked: string[] = [];
  let left = 2; // chunks until the line breaks
  const source = {
    store: {
      blob: async (id: string) => store.get(id) ?? null,
      putBlob: async (id: string, bytes: Uint8Array<ArrayBuffer>) => void store.set(id, bytes),
    },
    client: {
      async blob(id: string) {
        asked.push(id);
        if (left-- <= 0) throw new Error("the line broke");
        return chunks.get(id)!;
      },
    },
    progress: { expect: () => {}, receive: () => {} },
    signal: new AbortController().signal,
  } as unknown as BlobSource;
  const chunks = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const n of [1, 2, 3, 4]) {
    const bytes = new Uint8Array(1).fill(n);
    chunks.set(await sha256(bytes), bytes);
  }
  const wanted = [...chunks.keys()].map((sha256, index) => ({ index, sha256, sizeBytes: 1 }));
  const list = { kind: "shards", model: "tiny", list: "shards", count: wanted.length } as const;
  const parts = [{ list, chunks: wanted }];
  await expect(loadChunks(parts, source)).rejects.toThrow("the line broke");
  [left, asked.length] = [4, 0];
  expect(await loadChunks(parts, source)).toEqual([...chunks.values()]);
  expect(asked).toEqual(wanted.slice(2).map(({ sha256 }) => sha256));
});
