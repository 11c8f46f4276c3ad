import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { Hono } from "hono";
import { routes } from "../../core/protocol/routes.ts";
import type { RelayContext } from "../context.ts";
import { answerFile } from "./file-answer.ts";
import { pathPart } from "./params.ts";
import { Refusal } from "./refusal.ts";

const HEADERS = {
  "cache-control": "public, max-age=31536000, immutable",
  "content-type": "application/octet-stream",
  "access-control-allow-origin": "*",
  "cross-origin-resource-policy": "cross-origin",
};

/** Published bytes by their hash: immutable, for every origin, in ranges, gzipped where that helps. */
export function blobRoutes({ blobs }: Pick<RelayContext, "blobs">): Hono {
  const app = new Hono();
  app.get(routes.blob(":sha256"), async (c) => {
    const id = pathPart(c, "sha256");
    const size = /^[0-9a-f]{64}$/.test(id) ? await blobs.size(id) : null;
    if (size === null) throw new Refusal("blob-unknown", "this relay has no blob of that hash");
    const gzipBytes = await blobs.size(id, "gzip");
    const whole = { sizeBytes: size, etag: `"${id}"`, read: reader(() => blobs.path(id)) };
    const small =
      gzipBytes === null
        ? null
        : {
            sizeBytes: gzipBytes,
            etag: `"${id}-gzip"`,
            read: reader(() => blobs.path(id, "gzip")),
          };
    return answerFile(c, { whole, small }, HEADERS);
  });
  return app;
}

/** Reads the file at `path` as it is asked for. */
export function reader(
  path: () => string,
): (start: number, end: number) => ReadableStream<Uint8Array> {
  // Node's and the DOM's stream types differ in name only
  return (start, end) =>
    Readable.toWeb(createReadStream(path(), { start, end: end - 1 })) as ReadableStream<Uint8Array>;
}
