import type { RequestListener, Server } from "node:http";
import express from "express";
import { ExpressPeerServer } from "peer";
import type { WebSocket } from "ws";
import { WebSocketServer } from "ws";
import { senderOf } from "./network-of.ts";

export const SIGNALLING_PATH = "/peerjs";
const MAX_MESSAGE_BYTES = 64 << 10; // an SDP offer is under 10 KB
const MAX_PEERS = 5000; // one open socket and a few hundred bytes each

/** What a peer may do; who does more is disconnected, and may come back. */
const LIMITS = {
  /** In ten seconds: ten connections at once take some 250 messages, most of them candidates, and 200 KB. */
  messages: 1000,
  bytes: 1 << 20,
  /** What a peer was sent and has not taken yet. */
  unreadBytes: 1 << 20,
  /** From one network: an office or a school behind one address. */
  socketsPerNetwork: 200,
};
const COUNTED_MS = 10_000;
const UNREAD_EVERY_MS = 1000;

export type Signalling = {
  readonly listener: RequestListener;
  /** End every peer's socket. */
  close(): void;
};

/**
 * PeerJS's signalling on `server`: it passes offers and answers between browsers that want to exchange
 * chunks, and sees none of these. Nobody can list the peers.
 */
export function openSignalling(
  server: Server,
  { trustProxy = false, ...changes }: Partial<typeof LIMITS & { trustProxy: boolean }> = {},
): Signalling {
  const limits = { ...LIMITS, ...changes };
  let sockets: WebSocketServer | null = null;
  const networks = new Map<string, number>();
  let sent = new Map<WebSocket, { messages: number; bytes: number }>();

  function follow(socket: WebSocket, network: string): void {
    networks.set(network, (networks.get(network) ?? 0) + 1);
    socket.on("close", () => {
      const left = (networks.get(network) ?? 0) - 1;
      if (left > 0) networks.set(network, left);
      else networks.delete(network);
      sent.delete(socket);
    });
    if ((networks.get(network) ?? 0) > limits.socketsPerNetwork) socket.terminate();
    socket.on("message", (data: Buffer) => {
      const { messages, bytes } = sent.get(socket) ?? { messages: 0, bytes: 0 };
      const sum = { messages: messages + 1, bytes: bytes + data.length };
      sent.set(socket, sum);
      if (sum.messages > limits.messages || sum.bytes > limits.bytes) socket.terminate();
    });
  }
  const timers = [
    setInterval(() => {
      sent = new Map();
    }, COUNTED_MS),
    setInterval(() => {
      for (const socket of sockets?.clients ?? []) {
        if (socket.bufferedAmount > limits.unreadBytes) socket.terminate();
      }
    }, UNREAD_EVERY_MS),
  ];

  const app = express();
  app.disable("x-powered-by");
  const peers = ExpressPeerServer(server, {
    path: "/",
    allow_discovery: false,
    concurrent_limit: MAX_PEERS,
    createWebSocketServer(options) {
      sockets = new WebSocketServer({ ...options, maxPayload: MAX_MESSAGE_BYTES });
      sockets.on("connection", (socket, { headers, socket: { remoteAddress } }) => {
        const forwarded = headers["x-forwarded-for"]?.toString();
        follow(socket, senderOf({ forwarded, socket: remoteAddress }, trustProxy));
      });
      return sockets;
    },
  });
  peers.on("error", () => {}); // a peer's broken frame: ws has closed its socket already
  app.use(SIGNALLING_PATH, peers);
  return {
    listener: app,
    close() {
      for (const timer of timers) clearInterval(timer);
      for (const socket of sockets?.clients ?? []) socket.terminate();
      sockets?.close();
    },
  };
}
