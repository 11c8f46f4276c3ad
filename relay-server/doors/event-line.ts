import { type IncomingMessage, STATUS_CODES } from "node:http";
import { Socket } from "node:net";

/** What a reader of events is sent through. */
export type EventLine = {
  write(bytes: Uint8Array): void;
  /** Bytes that were written and not taken yet. */
  waitingBytes(): number;
  /** A number that changes when some of what waits is taken. */
  mark(): number;
  /** Resolves once at most `MAX_WAITING_BYTES` wait, or never if the reader goes. */
  drained(): Promise<void>;
  /** End it after what waits. */
  end(): void;
  /** End it at once: its reader takes too little. */
  cut(): void;
};

export const MAX_WAITING_BYTES = 256 << 10; // a reader that is this far behind is dropped and comes back by itself

/** What Node gives a route beside the request; a route that goes on with the connection by itself sets `takeOver`. */
export type LineEnv = {
  readonly incoming: IncomingMessage;
  /** Takes the line once the answer's head is written; returns what hears that the reader is gone. */
  takeOver?: (line: EventLine) => () => void;
};

export function isLineEnv(env: unknown): env is LineEnv {
  return typeof env === "object" && env !== null && "incoming" in env;
}

/** A line within this process, and the body that its reader reads. */
export function streamLine(gone: () => void): {
  line: EventLine;
  body: ReadableStream<Uint8Array>;
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  let drain = Promise.withResolvers<void>();
  const room = () => controller?.desiredSize ?? 0;
  const body = new ReadableStream<Uint8Array>(
    {
      start(own) {
        controller = own;
      },
      pull() {
        drain.resolve();
        drain = Promise.withResolvers();
      },
      cancel: gone,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_WAITING_BYTES }),
  );
  const line: EventLine = {
    write: (bytes) => controller?.enqueue(bytes),
    waitingBytes: () => MAX_WAITING_BYTES - room(),
    mark: room,
    drained: async () => {
      if (room() <= 0) await drain.promise;
    },
    end() {
      gone();
      controller?.close();
    },
    cut() {
      gone();
      controller?.error(new Error("a reader fell behind"));
    },
  };
  return { line, body };
}

type Handle = { readonly writeQueueSize: number };

/**
 * The connection of `incoming` as a line by itself, begun with the head of `answer`. Node keeps a parser and two messages
 * for each request that is being answered, 15 KB in all; a stream that lasts for days needs none of them. So its handle
 * moves to a socket of its own, and Node clears the rest away as if the client had gone. `gone` hears when the reader goes.
 */
export function socketLine(
  incoming: IncomingMessage,
  answer: Response,
  gone: () => void,
): EventLine {
  const { socket } = incoming;
  const handle: Handle = Reflect.get(socket, "_handle");
  socket.on("data", () => {}); // from now on Node's parser reads no more (it lets go of a handle that others read)
  Reflect.set(socket, "_handle", null);
  socket.destroy();
  const own: Socket = Reflect.construct(Socket, [{ handle, readable: true, writable: true }]);
  own.on("error", () => {}); // it is closed then, as it is in the end anyway
  own.once("close", gone);
  own.resume(); // what a reader says after its request is nothing
  own.write(headOf(answer));
  return {
    write: (bytes) => void own.write(bytes),
    waitingBytes: () => own.writableLength,
    mark: () => own.writableLength + handle.writeQueueSize,
    drained: () =>
      own.writableLength <= MAX_WAITING_BYTES
        ? Promise.resolve()
        : new Promise((resolve) => own.once("drain", resolve)),
    end: () => void own.end(),
    cut: () => void own.destroy(),
  };
}

/** The answer's first lines; its body ends with the connection. */
function headOf({ status, headers }: Response): string {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  lines.push("connection: close", `date: ${new Date().toUTCString()}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}
