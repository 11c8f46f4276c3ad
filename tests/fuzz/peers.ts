/** Peers that say anything to signalling: it passes on what it may, disconnects who goes too far, and answers on. */
import { once } from "node:events";
import fc from "fast-check";
import { WebSocket } from "ws";
import { peerCalled, signallingUrl } from "../fixtures/signalling-peer.ts";
import type { FuzzStage } from "./requests.ts";

const PEERS = ["ada", "bob", "cleo", "dan"];
const idOf = (name: string) => peerCalled(name).peer;
const ASKED_EVERY = 500; // messages, then whether the relay is well

const payload = fc.oneof(
  fc.constantFrom<unknown>(null, {}, [], { sdp: "v=0" }, { candidate: "" }, 1e99, "\ud800", "x"),
  fc.jsonValue({ maxDepth: 2 }),
);
const message = fc.record(
  {
    type: fc.oneof(
      fc.constantFrom("OFFER", "ANSWER", "CANDIDATE", "LEAVE", "EXPIRE", "HEARTBEAT", "OPEN"),
      fc.string({ maxLength: 8 }),
    ),
    dst: fc.oneof(
      fc.constantFrom<unknown>(...PEERS.map(idOf), "nobody", "__proto__", 1, null),
      fc.string(),
    ),
    src: fc.constantFrom(...PEERS.map(idOf)),
    payload,
  },
  { requiredKeys: ["type"] },
);
const said = fc.oneof(
  { weight: 8, arbitrary: message.map((value) => JSON.stringify(value)) },
  fc.json({ maxDepth: 2 }),
  fc.string({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom("[".repeat(9000), "x".repeat(17 << 10), "", "{"),
);

/** Send `runs` messages from a few peers that come back whenever they are disconnected. */
export async function fuzzPeers(
  { relay, told }: FuzzStage,
  runs: number,
  seed: number,
): Promise<void> {
  const sockets = new Map<string, WebSocket>();
  let sent = 0;

  async function openPeer(name: string): Promise<WebSocket> {
    const known = sockets.get(name);
    if (known?.readyState === WebSocket.OPEN) return known;
    if (known !== undefined && known.readyState !== WebSocket.CLOSED) await once(known, "close");
    const socket = new WebSocket(signallingUrl(relay.relay.port, peerCalled(name)));
    socket.on("error", () => {}); // the relay may end it in the middle of a message
    sockets.set(name, socket);
    await Promise.race([once(socket, "open"), once(socket, "close")]);
    return socket;
  }

  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...PEERS), said, async (name, data) => {
      told.clear();
      (await openPeer(name)).send(data, () => {});
      if (++sent % ASKED_EVERY !== 0) return;
      const health = await fetch(`${relay.relay.url}/api/v1/health`);
      if (!health.ok || told.calls.length > 0) throw new Error(`after ${sent}: ${told.calls[0]}`);
    }),
    { numRuns: runs, seed },
  );
  for (const socket of sockets.values()) socket.terminate();
}
