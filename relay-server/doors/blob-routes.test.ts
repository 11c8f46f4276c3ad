import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPublicBlobs, type PublicBlobs } from "../content/public-blobs.ts";
import { blobRoutes } from "./blob-routes.ts";

let folder: string;
let blobs: PublicBlobs;
const opened: string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-blobs-"));
  const store = openPublicBlobs(join(folder, "blobs"), folder);
  blobs = {
    ...store,
    path(id, encoding) {
      const path = store.path(id, encoding);
      opened.push(path);
      return path;
    },
  };
});
afterAll(() => rm(folder, { recursive: true }));

test("H6: HEAD tells of a blob what GET does, and opens no file", async () => {
  const id = await blobs.put(new Uint8Array(1000)); // zeros: there is a gzipped copy
  const app = blobRoutes({ blobs });
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
