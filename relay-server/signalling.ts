import type { RequestListener, Server } from "node:http";
import express from "express";
import { ExpressPeerServer } from "peer";
import { WebSocketServer } from "ws";

export const SIGNALLING_PATH = "/peerjs";
const MAX_MESSAGE_BYTES = 64 << 10; // an SDP offer is under 10 KB
const MAX_PEERS = 5000; // one open socket and a few hundred bytes each

export type Signalling = {
  readonly listener: RequestListener;
  /** End every peer's socket. */
  close(): void;
};

/**
 * PeerJS's signalling on `server`: it passes offers and answers between browsers that want to exchange
 * chunks, and sees none of these. Nobody can list the peers.
 */
export function openSignalling(server: Server): Signalling {
  let sockets: WebSocketServer | null = null;
  const app = express();
  app.disable("x-powered-by");
  const peers = ExpressPeerServer(server, {
    path: "/",
    allow_discovery: false,
    concurrent_limit: MAX_PEERS,
    createWebSocketServer(options) {
      sockets = new WebSocketServer({ ...options, maxPayload: MAX_MESSAGE_BYTES });
      return sockets;
    },
  });
  peers.on("error", () => {}); // a peer's broken frame: ws has closed its socket already
  app.use(SIGNALLING_PATH, peers);
  return {
    listener: app,
    close() {
      for (const socket of sockets?.clients ?? []) socket.terminate();
      sockets?.close();
    },
  };
}
