import { ServerResponse } from "node:http";
import { type Context, Hono } from "hono";
import { routes } from "../../core/protocol/routes.ts";
import type { RelayContext } from "../context.ts";
import { createOpenPackets } from "../history/packets.ts";
import { mergedPatch } from "../history/promotion.ts";
import { answerRepresentation, type Representation } from "./file-answer.ts";
import { createHotBlobs } from "./hot-blobs.ts";
import { isHash, pathPart } from "./params.ts";
import { Refusal } from "./refusal.ts";

const HEADERS = {
  "cache-control": "public, max-age=31536000, immutable",
  "content-type": "application/octet-stream",
  "access-control-allow-origin": "*",
  "cross-origin-resource-policy": "cross-origin",
};

/** Published bytes by their hash: immutable, for every origin, in ranges, gzipped where that helps. */
export function blobRoutes(
  context: Pick<RelayContext, "blobs" | "contributions" | "history" | "heldOut" | "models">,
): Hono {
  const { blobs } = context;
  const app = new Hono();
  const hot = createHotBlobs();
  const openPacket = createOpenPackets(context);

  /** Reads a blob from memory where it is, or comes to be, there; else from where it lies. */
  function read(
    c: Context,
    id: string,
    sizeBytes: number,
    encoding?: "gzip",
  ): Representation["read"] {
    return async (start, end) => {
      const found = await hot.take(`${id} ${encoding}`, sizeBytes, () => blobs.bytes(id, encoding));
      if (found === null) return blobs.stream(id, [start, end], encoding);
      const outgoing: unknown = c.env?.outgoing;
      if (outgoing instanceof ServerResponse && !outgoing.closed)
        outgoing.once("close", found.letGo);
      else found.letGo();
      return found.bytes.subarray(start, end);
    };
  }

  app.get(routes.blob(":sha256"), async (c) => {
    const id = pathPart(c, "sha256");
    const size = isHash(id) ? await blobs.size(id) : null;
    if (size === null) {
      const bytes = isHash(id)
        ? ((await mergedPatch(context, id)) ?? (await openPacket(id)))
        : null;
      if (bytes === null) throw new Refusal("blob-unknown", "this relay has no blob of that hash");
      const read = async (start: number, end: number) => bytes.subarray(start, end);
      const whole = { sizeBytes: bytes.length, etag: `"${id}"`, read };
      return answerRepresentation(c, { whole, small: null }, HEADERS);
    }
    const gzipBytes = await blobs.size(id, "gzip");
    const whole = { sizeBytes: size, etag: `"${id}"`, read: read(c, id, size) };
    const small =
      gzipBytes === null
        ? null
        : { sizeBytes: gzipBytes, etag: `"${id}-gzip"`, read: read(c, id, gzipBytes, "gzip") };
    return answerRepresentation(c, { whole, small }, HEADERS);
  });
  return app;
}
