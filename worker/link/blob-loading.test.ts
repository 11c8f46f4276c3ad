import { expect, test } from "vitest";
import { type BlobSource, loadBlobs } from "./blob-loading.ts";

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
