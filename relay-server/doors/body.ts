import { IncomingMessage } from "node:http";
import type { Context, Next } from "hono";
import { FormatError } from "../../core/errors.ts";
import { Refusal } from "./refusal.ts";
import { createRoom, type Sending } from "./room.ts";

/** Reads requests' bodies, as many at once as there is room for. */
export type Bodies = {
  /**
   * A request's body, at most `maxBytes`: a longer one is refused by its header, or as soon as it is seen. It takes its
   * room until the request is answered. Throws a Refusal without room, a FormatError for too small pieces, and a
   * SenderGone where the sender ends the line.
   */
  read(c: Context, limits: BodyLimits): Promise<Uint8Array<ArrayBuffer>>;
  /** Middleware that gives the room back. */
  hold(c: Context, next: Next): Promise<void>;
};

export type BodyLimits = { readonly maxBytes: number; readonly room: RoomName };

/**
 * Who waits for whom: JSON requests; patches whose sender is known by ticket and signature, and what maintainers, judges and
 * jurors upload; patches and proposals of which nothing is known before they are there.
 */
const ROOMS = {
  requests: 16 << 20, // 1024 of the largest, which patches leave alone: a ban must get through
  announced: 256 << 20, // 64 of the largest patches at once, however many more are on the way
  strangers: 40 << 20, // an eighth, which one network may hold, has room for the longest proposal
};
export type RoomName = keyof typeof ROOMS;

const FIRST_BYTES = 8 << 10; // most requests and the patches of small models
const FREE_PIECES = 1024; // of any size, as a slow line may bring them …
const LEAST_PIECE_BYTES = 64; // … and beyond them on average: a piece costs the same time whatever it holds

/** Ends a request whose sender is not there any more to hear an answer. */
export class SenderGone extends Error {
  override readonly name = "SenderGone";
}

/** `networkOf` tells where a request comes from, `clock` milliseconds. */
export function createBodies(
  networkOf: (c: Context) => string,
  clock: () => number,
  sizes: Record<RoomName, number> = ROOMS,
): Bodies {
  const rooms = {
    requests: createRoom(sizes.requests, clock),
    announced: createRoom(sizes.announced, clock),
    strangers: createRoom(sizes.strangers, clock),
  };
  const leaving = new WeakMap<Request, () => void>();

  return {
    async read(c, { maxBytes, room: name }) {
      const request = c.req.raw;
      const declared = request.headers.get("content-length");
      if (declared !== null && Number(declared) > maxBytes) throw tooLarge(declared, maxBytes);
      const gaveWay = Promise.withResolvers<never>();
      const sending = rooms[name].enter(networkOf(c), (why) => gaveWay.reject(why));
      leaving.set(request, sending.leave);
      const body = growingBuffer(declared === null ? maxBytes : Number(declared), sending);
      let pieces = 0;
      const take = (piece: Uint8Array) => {
        if (body.size() + piece.length > maxBytes)
          throw tooLarge(`more than ${maxBytes}`, maxBytes);
        body.add(piece);
        pieces += 1;
        const averageBytes = body.size() / pieces;
        if (pieces > FREE_PIECES && averageBytes < LEAST_PIECE_BYTES) {
          throw new FormatError(`body: ${pieces} pieces of ${averageBytes.toFixed(1)} bytes`);
        }
      };
      await Promise.race([receive(c, take), gaveWay.promise]);
      return body.end();
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

function tooLarge(size: string, maxBytes: number): Refusal {
  return new Refusal("too-large", `body: ${size} bytes > ${maxBytes}`);
}

/** What came so far, in one piece of memory that `sending` has room for before it is made. */
function growingBuffer(mostBytes: number, sending: Sending) {
  let bytes = new Uint8Array(0);
  let size = 0;
  return {
    size: () => size,
    add(piece: Uint8Array): void {
      const needed = size + piece.length;
      if (needed > bytes.length) {
        const ahead = Math.min(mostBytes, Math.max(FIRST_BYTES, 2 * bytes.length));
        const capacity = Math.max(needed, ahead);
        sending.hold(capacity);
        bytes = new Uint8Array(bytes.buffer.transfer(capacity));
      }
      bytes.set(piece, size);
      size = needed;
    },
    end(): Uint8Array<ArrayBuffer> {
      sending.end(size);
      return new Uint8Array(bytes.buffer.transfer(size));
    },
  };
}

/** Hand `take` each piece of the request's body; ends with it, or with what `take` throws, after which no more is taken. */
async function receive(c: Context, take: (piece: Uint8Array) => void): Promise<void> {
  const incoming: unknown = c.env?.incoming;
  if (incoming instanceof IncomingMessage) return receiveFromLine(incoming, take);
  for await (const piece of c.req.raw.body ?? []) take(piece);
}

/** Pieces are copied as the parser finds them: a stream in between would keep an object for each that waits. */
function receiveFromLine(
  incoming: IncomingMessage,
  take: (piece: Uint8Array) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    incoming.on("data", (piece: Buffer) => {
      try {
        take(piece);
      } catch (error) {
        incoming.removeAllListeners("data"); // the rest comes, and is dropped
        reject(error);
      }
    });
    const gone = () => reject(new SenderGone("the sender ended the line"));
    incoming.once("end", () => {
      incoming.off("close", gone);
      resolve();
    });
    incoming.once("error", gone);
    incoming.once("close", gone);
  });
}
