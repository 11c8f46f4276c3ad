import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Hono } from "hono";
import { type WebSocket, WebSocketServer } from "ws";
import type { SignallingPeers } from "../context.ts";
import { Refusal } from "./refusal.ts";

/** Where PeerJS's clients connect, with `path: "/peerjs"` and their usual key. */
export const SIGNALLING_PATH = "/peerjs/peerjs";
const KEY = "peerjs";

/** What a peer may do; a peer that does more is disconnected, and may come back. */
const LIMITS = {
  /** Of one message: an SDP offer is under 10 KB. */
  messageBytes: 16 << 10,
  /** Of one message: browsers send such small ones whole. */
  fragments: 16,
  /** In ten seconds: ten connections at once take some 250 messages, most of them candidates, and 200 KB. */
  messages: 1000,
  bytes: 1 << 20,
  /** In ten seconds from one network: forty peers that begin ten connections each. */
  networkBytes: 8 << 20,
  /** What a peer was sent and has not taken yet: the offers of fifty peers. */
  unreadBytes: 512 << 10,
  /** From one network: an office or a school behind one address. */
  socketsPerNetwork: 200,
  /** In all: one open socket and a few hundred bytes each. */
  peers: 5000,
};
const COUNTED_MS = 10_000;
const SILENT_PERIODS = 9; // a client sends a heartbeat every 5 s
const MAX_NAME = 128; // characters of a peer's id or token; a UUID has 36
const PASSED_ON = new Set(["OFFER", "ANSWER", "CANDIDATE", "LEAVE", "EXPIRE"]);
const UNANSWERED = new Set(["LEAVE", "EXPIRE"]);

export type Signalling = SignallingPeers & {
  /** Take a connection that asks to become a peer's; `network` is where it comes from. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, network: string): void;
  /** End every peer's socket. */
  close(): void;
};

type Peer = {
  readonly id: string;
  readonly token: string;
  readonly socket: WebSocket;
  readonly network: string;
};

/**
 * PeerJS's signalling: it passes offers and answers between browsers that want to exchange chunks, and sees none of
 * these. Nobody can list the peers. A message that names no present peer is neither parsed nor kept: its sender hears
 * `EXPIRE` at once.
 */
export function openSignalling(changes: Partial<typeof LIMITS> = {}): Signalling {
  const limits = { ...LIMITS, ...changes };
  const peers = new Map<string, Peer>();
  const sockets = new Map<string, number>(); // by network
  let sentBytes = new Map<string, number>(); // by network, since the period began
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytes,
    maxFragments: limits.fragments,
    maxBufferedChunks: limits.fragments * 4,
  });
  const startPeriods = new Set<() => void>();
  const timer = setInterval(() => {
    sentBytes = new Map();
    for (const start of startPeriods) start();
  }, COUNTED_MS);

  /** Whether this network may send `size` bytes more in this period. */
  function countNetwork(network: string, size: number): boolean {
    const bytes = (sentBytes.get(network) ?? 0) + size;
    sentBytes.set(network, bytes);
    return bytes <= limits.networkBytes;
  }

  function tell(socket: WebSocket, message: object): void {
    say(socket, JSON.stringify(message));
  }

  function say(socket: WebSocket, text: string): void {
    if (socket.bufferedAmount > limits.unreadBytes) socket.terminate();
    else socket.send(text);
  }

  function refuse(socket: WebSocket, type: "ERROR" | "ID-TAKEN", msg: string): void {
    tell(socket, { type, payload: { msg } });
    socket.close();
  }

  /** The peer that this socket is from now on; null if it cannot be one, which it was told. */
  function enter(socket: WebSocket, url: string, network: string): Peer | null {
    const query = new URL(url, "http://relay").searchParams;
    const [id, token, key] = ["id", "token", "key"].map((name) => query.get(name) ?? "");
    if (!id || !token || !key || Math.max(id.length, token.length) > MAX_NAME) {
      refuse(socket, "ERROR", "No id, token, or key supplied to websocket server");
      return null;
    }
    if (key !== KEY) {
      refuse(socket, "ERROR", "Invalid key provided");
      return null;
    }
    const known = peers.get(id);
    if (known !== undefined && known.token !== token) {
      refuse(socket, "ID-TAKEN", "ID is taken");
      return null;
    }
    if (known === undefined && peers.size >= limits.peers) {
      refuse(socket, "ERROR", "Server has reached its concurrent user limit");
      return null;
    }
    const peer = { id, token, socket, network };
    peers.set(id, peer);
    known?.socket.terminate(); // its line broke, and it is back before that was seen
    tell(socket, { type: "OPEN" });
    return peer;
  }

  /** Pass a message on; false if it is none. */
  function take(sender: Peer, data: Buffer): boolean {
    const text = data.toString();
    const names = [...text.matchAll(/"dst"\s*:\s*"([^"\\]{1,128})"/g)].map(
      ([, name]) => name ?? "",
    );
    if (names.length > 0 && !names.some((name) => peers.has(name))) {
      const type = /"type"\s*:\s*"([A-Z-]+)"/.exec(text)?.[1] ?? "";
      if (PASSED_ON.has(type) && !UNANSWERED.has(type)) {
        tell(sender.socket, { type: "EXPIRE", src: names.at(-1), dst: sender.id });
      }
      return true;
    }
    const message = readMessage(text, sender.id);
    if (message === null) return false;
    const receiver = peers.get(message.dst);
    if (receiver !== undefined) say(receiver.socket, message.text);
    return true;
  }

  function follow(socket: WebSocket, url: string, network: string): void {
    socket.on("error", () => {}); // a broken or too large frame: ws closes the socket by itself
    const peer = enter(socket, url, network);
    let counted = { messages: 0, bytes: 0 };
    let silent = 0;
    const startPeriod = () => {
      counted = { messages: 0, bytes: 0 };
      silent += 1;
      if (silent > SILENT_PERIODS) socket.terminate();
    };
    startPeriods.add(startPeriod);
    socket.on("close", () => {
      startPeriods.delete(startPeriod);
      leave(sockets, network);
      if (peer !== null && peers.get(peer.id) === peer) peers.delete(peer.id);
    });
    socket.on("message", (data: Buffer, isBinary) => {
      silent = 0;
      counted = { messages: counted.messages + 1, bytes: counted.bytes + data.length };
      const isMuch = counted.messages > limits.messages || counted.bytes > limits.bytes;
      if (isMuch || !countNetwork(network, data.length) || peer === null || isBinary) {
        socket.terminate();
      } else if (!take(peer, data)) socket.terminate();
    });
  }

  return {
    upgrade(request, socket, head, network) {
      if ((sockets.get(network) ?? 0) >= limits.socketsPerNetwork) {
        socket.end(
          "HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        );
        return;
      }
      sockets.set(network, (sockets.get(network) ?? 0) + 1);
      let isPeer = false;
      socket.once("close", () => {
        if (!isPeer) leave(sockets, network); // it was no handshake of a WebSocket
      });
      server.handleUpgrade(request, socket, head, (peer) => {
        isPeer = true;
        follow(peer, request.url ?? "", network);
      });
    },
    peers: () => peers.size,
    networkOf(id, token) {
      const peer = peers.get(id);
      return peer?.token === token ? peer.network : null;
    },
    close() {
      clearInterval(timer);
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
}

/** What a PeerJS client asks for over HTTP before it connects. */
export function signallingRoutes(): Hono {
  const app = new Hono();
  const headers = { "access-control-allow-origin": "*", "cache-control": "no-store" };
  app.get(`${SIGNALLING_PATH}/id`, (c) => c.text(randomUUID(), 200, headers));
  app.get(`${SIGNALLING_PATH}/peers`, () => {
    throw new Refusal("signature-invalid", "nobody can list the peers");
  });
  return app;
}

function leave(counts: Map<string, number>, network: string): void {
  const left = (counts.get(network) ?? 0) - 1;
  if (left > 0) counts.set(network, left);
  else counts.delete(network);
}

/** A message as its receiver `dst` hears it; null if it is none. One that nobody is to hear has the receiver "". */
function readMessage(text: string, src: string): { dst: string; text: string } | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("type" in value)) return null;
    const { type } = value;
    const dst = "dst" in value ? value.dst : undefined;
    const isPassedOn = typeof type === "string" && PASSED_ON.has(type) && typeof dst === "string";
    if (!isPassedOn) return { dst: "", text };
    const payload = "payload" in value ? { payload: value.payload } : {};
    return { dst, text: JSON.stringify({ type, src, dst, ...payload }) };
  } catch {
    return null; // not JSON, or nested deeper than it can be written again
  }
}
