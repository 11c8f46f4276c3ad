import type { Context, Next } from "hono";
import { MAX_REQUEST_BYTES } from "../../core/protocol/limits.ts";
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

const LARGE_ROOM_BYTES = 256 << 20; // 64 of the largest patches at once, however many more are on the way
const SMALL_ROOM_BYTES = 16 << 20; // 1024 of the largest requests, which patches leave alone: a ban must get through
const NETWORK_SHARE = 1 / 8; // of a room: who sends much and slowly leaves the others theirs
const RETRY_SECONDS = "5"; // a large patch is taken in well under a second

/** `networkOf` tells where a request comes from. */
export function createBodies(
  networkOf: (c: Context) => string,
  { smallBytes = SMALL_ROOM_BYTES, largeBytes = LARGE_ROOM_BYTES } = {},
): Bodies {
  const small = createRoom(smallBytes);
  const large = createRoom(largeBytes);
  const leaving = new WeakMap<Request, () => void>();

  return {
    async read(c, maxBytes) {
      const request = c.req.raw;
      const tooLarge = (size: string) =>
        new Refusal("too-large", `body: ${size} bytes > ${maxBytes}`, { connection: "close" });
      const declared = request.headers.get("content-length");
      if (declared !== null && Number(declared) > maxBytes) throw tooLarge(declared);
      const room = maxBytes <= MAX_REQUEST_BYTES ? small : large;
      const network = networkOf(c);
      const pieces: Uint8Array[] = [];
      let size = 0;
      let taken = 0;
      leaving.set(request, () => room.give(network, taken));
      for await (const piece of request.body ?? []) {
        size += piece.length;
        if (size > maxBytes) throw tooLarge(`more than ${maxBytes}`);
        room.take(network, piece.length); // not what was declared, which costs a sender nothing
        taken = size;
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
        leaving.get(c.req.raw)?.();
      }
    },
  };
}

/** Counts what is held at once, in all and by network; what does not fit is refused for now. */
function createRoom(roomBytes: number) {
  const byNetwork = new Map<string, number>();
  let heldBytes = 0;

  function add(network: string, sizeBytes: number): void {
    heldBytes += sizeBytes;
    const held = (byNetwork.get(network) ?? 0) + sizeBytes;
    if (held > 0) byNetwork.set(network, held);
    else byNetwork.delete(network);
  }

  return {
    take(network: string, sizeBytes: number): void {
      if (heldBytes + sizeBytes > roomBytes) throw noRoom("to this relay");
      const held = byNetwork.get(network) ?? 0;
      if (held + sizeBytes > NETWORK_SHARE * roomBytes) throw noRoom("from this network address");
      add(network, sizeBytes);
    },
    give: (network: string, sizeBytes: number) => add(network, -sizeBytes),
  };
}

function noRoom(way: string): Refusal {
  const headers = { "retry-after": RETRY_SECONDS, connection: "close" };
  return new Refusal("unavailable", `too much is being sent ${way}: wait`, headers);
}
