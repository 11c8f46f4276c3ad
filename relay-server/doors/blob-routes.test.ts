import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import { openObjects } from "../content/open-objects.ts";
import { openPublicBlobs, type PublicBlobs } from "../content/public-blobs.ts";
import type { RelayContext } from "../context.ts";
import { blobRoutes } from "./blob-routes.ts";
import { answerError } from "./refusal.ts";

let folder: string;
let blobs: PublicBlobs;
const opened: string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-blobs-"));
  const objects = openObjects({ kind: "folder", path: folder, temporary: folder });
  const store = openPublicBlobs(objects);
  blobs = {
    ...store,
    bytes(id, encoding) {
      opened.push(id);
      return store.bytes(id, encoding);
    },
    stream(id, range, encoding) {
      opened.push(id);
      return store.stream(id, range, encoding);
    },
  };
});
afterAll(() => rm(folder, { recursive: true }));

/** The routes over a ledger that alone has the bytes of one merged patch. */
function appWith(due: { readonly id: string; readonly bytes: Uint8Array<ArrayBuffer> } | null) {
  const dueBytes = async (id: string) => (id === due?.id ? due.bytes : undefined);
  const contributions: Pick<RelayContext["contributions"], "dueBytes"> = { dueBytes };
  const none = { models: new Map() }; // and so no packet that could be open
  const app = blobRoutes({ blobs, contributions, ...none } as unknown as RelayContext);
  app.onError(answerError);
  return app;
}

test("H6: a merged patch is served while its file is still to be written, and nothing else that waits is", async () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, index) => index);
  const id = await sha256(bytes);
  const app = appWith({ id, bytes });
  const answer = await app.request(`/api/v1/blobs/${id}`, { headers: { range: "bytes=10-19" } });
  expect([answer.status, answer.headers.get("etag")]).toEqual([206, `"${id}"`]);
  expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes.subarray(10, 20));
  const other = await app.request(`/api/v1/blobs/${"0".repeat(64)}`);
  expect(other.status).toBe(404);
});

test("H6: HEAD tells of a blob what GET does, and opens no file", async () => {
  const id = await blobs.put(new Uint8Array(1000)); // zeros: there is a gzipped copy
  const app = appWith(null);
  const kinds: HeadersInit[] = [{}, { range: "bytes=10-19" }, { "accept-encoding": "gzip" }];
  for (const headers of kinds) {
    const got = await app.request(`/api/v1/blobs/${id}`, { headers });
    await got.arrayBuffer();
    opened.length = 0;
    const told = await app.request(`/api/v1/blobs/${id}`, { method: "HEAD", headers });
    expect([told.status, ...told.headers]).toEqual([got.status, ...got.headers]);
    expect(opened).toEqual([]);
  }
});
