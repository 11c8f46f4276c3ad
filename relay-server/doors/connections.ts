import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";

const MAX_IN_LINE = 16; // browsers and proxies send a request once they have the last answer
const MAX_BEYOND = 64; // a packet of 64 KB holds more requests; a client that goes on sending them reads nothing

const MAX_PASSED_OVER_BYTES = 8 << 20; // twice the largest patch

/**
 * Give a connection one answer at a time, however many requests it sends ahead. After `MAX_IN_LINE` of them the connection
 * ends once these are answered; a client asks for the rest on another (RFC 9112, 9.3.2).
 */
export function answerInTurn(answer: RequestListener): RequestListener {
  type Turn = { readonly request: IncomingMessage; readonly response: ServerResponse };
  const lines = new WeakMap<Socket, { waiting: Turn[]; beyond: number }>();

  function begin(socket: Socket, { request, response }: Turn): void {
    response.once("close", () => {
      const next = lines.get(socket)?.waiting.shift();
      if (next === undefined || socket.destroyed) lines.delete(socket);
      else begin(socket, next);
    });
    response.once("finish", () => passOver(request));
    answer(request, response);
  }

  return (request, response) => {
    const { socket } = request;
    const line = lines.get(socket);
    if (line === undefined) {
      lines.set(socket, { waiting: [], beyond: 0 });
      begin(socket, { request, response });
    } else if (line.waiting.length < MAX_IN_LINE && line.beyond === 0) {
      line.waiting.push({ request, response });
      if (line.waiting.length === MAX_IN_LINE) response.shouldKeepAlive = false;
    } else {
      line.beyond += 1;
      if (line.beyond > MAX_BEYOND) socket.destroy();
    }
  };
}

/** Let the rest of a request come that is answered already, unheard: a sender that is cut off may not hear the answer. */
function passOver(request: IncomingMessage): void {
  if (request.complete) return;
  let left = MAX_PASSED_OVER_BYTES;
  request.on("data", (piece: Buffer) => {
    left -= piece.length;
    if (left < 0) request.socket.destroy();
  });
  request.resume();
}
