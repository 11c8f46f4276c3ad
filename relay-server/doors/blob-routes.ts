import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { Hono } from "hono";
import { routes } from "../../core/protocol/routes.ts";
import type { RelayContext } from "../context.ts";
import { pathPart } from "./params.ts";
import { Refusal } from "./refusal.ts";

/** Published bytes by their hash: immutable, for every origin, in ranges, gzipped where that helps. */
export function blobRoutes({ blobs }: Pick<RelayContext, "blobs">): Hono {
  const app = new Hono();
  app.get(routes.blob(":sha256"), async (c) => {
    const id = pathPart(c, "sha256");
    const size = /^[0-9a-f]{64}$/.test(id) ? await blobs.size(id) : null;
    if (size === null) throw new Refusal("blob-unknown", "this relay has no blob of that hash");
    const range = parseRange(c.req.header("range"), size);
    const asked = /\bgzip\b/.test(c.req.header("accept-encoding") ?? "");
    const gzipBytes = asked && range === null ? await blobs.size(id, "gzip") : null;
    const etag = gzipBytes === null ? `"${id}"` : `"${id}-gzip"`;
    const headers: Record<string, string> = {
      etag,
      "cache-control": "public, max-age=31536000, immutable",
      "content-type": "application/octet-stream",
      "accept-ranges": "bytes",
      vary: "accept-encoding",
      "access-control-allow-origin": "*",
      "cross-origin-resource-policy": "cross-origin",
    };
    if (c.req.header("if-none-match")?.includes(`"${id}`)) return c.body(null, 304, headers);
    // Hono drops the body of HEAD unread: a file opened for it would stay open
    const answer = (stream: () => ReadableStream, status: 200 | 206) =>
      c.req.method === "HEAD" ? c.body(null, status, headers) : c.body(stream(), status, headers);
    if (gzipBytes !== null) {
      headers["content-encoding"] = "gzip";
      headers["content-length"] = String(gzipBytes);
      return answer(() => streamOf(blobs.path(id, "gzip")), 200);
    }
    const { start, end } = range ?? { start: 0, end: size };
    headers["content-length"] = String(end - start);
    if (range !== null) headers["content-range"] = `bytes ${start}-${end - 1}/${size}`;
    return answer(() => streamOf(blobs.path(id), start, end), range === null ? 200 : 206);
  });
  return app;
}

/** The bytes start…end−1 that a Range header asks for; null for all of them, as for several ranges at once. */
function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (match === null || (match[1] === "" && match[2] === "")) return null;
  const [first, last] = [match[1] ?? "", match[2] ?? ""];
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  if (start < end) return { start, end };
  throw new Refusal("range-unsatisfiable", `${header} of ${size} bytes`, {
    "content-range": `bytes */${size}`,
  });
}

function streamOf(path: string, start = 0, end = Number.POSITIVE_INFINITY): ReadableStream {
  // Node's and the DOM's stream types differ in name only
  return Readable.toWeb(createReadStream(path, { start, end: end - 1 })) as ReadableStream;
}
