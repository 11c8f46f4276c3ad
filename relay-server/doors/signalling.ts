import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Hono } from "hono";
import { type WebSocket, WebSocketServer } from "ws";
import type { SignallingPeers } from "../context.ts";
import { createNetworkCounter } from "../sites.ts";
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
const MAX_TOKEN = 128; // characters; a UUID has 36
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
  readonly socket: WebSocket;
  readonly network: string;
};

/**
 * PeerJS's signalling: it passes offers and answers between browsers that want to exchange chunks, and sees none of
 * these. Nobody can list the peers, and an id is its token's for ever (protocol W1). A message that names no present peer is
 * neither parsed nor kept: its sender hears `EXPIRE` at once.
 */
export function openSignalling(changes: Partial<typeof LIMITS> = {}): Signalling {
  const limits = { ...LIMITS, ...changes };
  const peers = new Map<string, Peer>();
  const sockets = createNetworkCounter(limits.socketsPerNetwork);
  let sentBytes = createNetworkCounter(limits.networkBytes); // since the period began
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytes,
    maxFragments: limits.fragments,
    maxBufferedChunks: limits.fragments * 4,
  });
  const startPeriods = new Set<() => void>();
  const timer = setInterval(() => {
    sentBytes = createNetworkCounter(limits.networkBytes);
    for (const start of startPeriods) start();
  }, COUNTED_MS);

  function tell(socket: WebSocket, message: object): void {
    say(socket, JSON.stringify(message));
  }

  function say(socket: WebSocket, text: string): void {
    if (socket.bufferedAmount > limits.unreadBytes) socket.terminate();
    else socket.send(text);
  }

  /** The peer that this socket is from now on. */
  function enter(socket: WebSocket, id: string, network: string): Peer {
    const peer = { id, socket, network };
    peers.get(id)?.socket.terminate(); // its line broke, and it is back before that was seen
    peers.set(id, peer);
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

  function follow(socket: WebSocket, id: string, network: string): void {
    socket.on("error", () => {}); // a broken or too large frame: ws closes the socket by itself
    const peer = enter(socket, id, network);
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
      sockets.remove(network);
      if (peers.get(id) === peer) peers.delete(id);
    });
    socket.on("message", (data: Buffer, isBinary) => {
      silent = 0;
      counted = { messages: counted.messages + 1, bytes: counted.bytes + data.length };
      const isMuch = counted.messages > limits.messages || counted.bytes > limits.bytes;
      if (isMuch || !sentBytes.add(network, data.length) || isBinary) socket.terminate();
      else if (!take(peer, data)) socket.terminate();
    });
  }

  /** Why this peer cannot be let in, as a status of HTTP; null where it can. Its network is counted from then on. */
  function refusalOf(id: string, network: string): string | null {
    if (!peers.has(id) && peers.size >= limits.peers) return "503 Service Unavailable";
    return sockets.add(network) ? null : "429 Too Many Requests";
  }

  return {
    upgrade(request, socket, head, network) {
      const id = peerOf(request.url ?? "");
      if (id === null) return turnAway(socket, "400 Bad Request");
      const refusal = refusalOf(id, network);
      if (refusal !== null) return turnAway(socket, refusal);
      let isPeer = false;
      socket.once("close", () => {
        if (!isPeer) sockets.remove(network); // it was no handshake of a WebSocket
      });
      server.handleUpgrade(request, socket, head, (peer) => {
        isPeer = true;
        follow(peer, id, network);
      });
    },
    peers: () => peers.size,
    networkOf: (id, token) => (id === idOf(token) ? (peers.get(id)?.network ?? null) : null),
    close() {
      clearInterval(timer);
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
}

/** What a PeerJS client may ask for over HTTP, and gets nothing of. */
export function signallingRoutes(): Hono {
  const app = new Hono();
  app.get(`${SIGNALLING_PATH}/id`, () => {
    throw new Refusal("signature-invalid", "a peer's id is the SHA-256 of a token that it draws");
  });
  app.get(`${SIGNALLING_PATH}/peers`, () => {
    throw new Refusal("signature-invalid", "nobody can list the peers");
  });
  return app;
}

/** Answer a handshake that makes no peer, and end its line, whatever the other end does. */
function turnAway(socket: Duplex, status: string): void {
  socket.on("error", () => {}); // the other end was quicker
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

/** The id of the peer that a handshake is of; null if the id is not its token's, or there is none. */
function peerOf(url: string): string | null {
  const query = new URL(url, "http://relay").searchParams;
  const [id, token, key] = ["id", "token", "key"].map((name) => query.get(name) ?? "");
  if (!id || !token || token.length > MAX_TOKEN || key !== KEY) return null;
  return id === idOf(token) ? id : null;
}

/** As `peerIdOf` has it, at once: a handshake that waits would have to be watched meanwhile. */
function idOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
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
