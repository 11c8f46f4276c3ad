import type { Context, Next } from "hono";
import { Refusal } from "./refusal.ts";

/** Reads requests' bodies, as many at once as there is room for. */
export type Bodies = {
  /**
   * A request's body, at most `maxBytes`: a longer one is refused by its header, or as soon as it is seen. It takes its
   * room until the request is answered; without room it is refused for now.
   */
  read(c: Context, maxBytes: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Middleware that gives the room back. */
  hold(c: Context, next: Next): Promise<void>;
};

const ROOM_BYTES = 256 << 20; // 64 of the largest patches at once, however many more are on the way
const RETRY_SECONDS = "5"; // a large patch is taken in well under a second

export function createBodies(roomBytes = ROOM_BYTES): Bodies {
  const held = new WeakMap<Request, number>();
  let heldBytes = 0;

  function take(request: Request, sizeBytes: number): void {
    if (heldBytes + sizeBytes > roomBytes) {
      const headers = { "retry-after": RETRY_SECONDS, connection: "close" };
      throw new Refusal("unavailable", "too much is being sent to this relay: wait", headers);
    }
    heldBytes += sizeBytes;
    held.set(request, (held.get(request) ?? 0) + sizeBytes);
  }

  return {
    async read(c, maxBytes) {
      const request = c.req.raw;
      const tooLarge = (size: string) =>
        new Refusal("too-large", `body: ${size} bytes > ${maxBytes}`, { connection: "close" });
      const declared = request.headers.get("content-length");
      if (declared !== null && Number(declared) > maxBytes) throw tooLarge(declared);
      const pieces: Uint8Array[] = [];
      let size = 0;
      for await (const piece of request.body ?? []) {
        size += piece.length;
        if (size > maxBytes) throw tooLarge(`more than ${maxBytes}`);
        take(request, piece.length); // not what was declared, which costs a sender nothing
        pieces.push(piece);
      }
      const bytes = new Uint8Array(size);
      let at = 0;
      for (const piece of pieces) {
        bytes.set(piece, at);
        at += piece.length;
      }
      return bytes;
    },
    async hold(c, next) {
      try {
        await next();
      } finally {
        heldBytes -= held.get(c.req.raw) ?? 0;
      }
    },
  };
}
