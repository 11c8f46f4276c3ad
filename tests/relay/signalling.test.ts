/** PeerJS's signalling on the relay's own port, as its clients speak it. */
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { peerCalled, signallingUrl } from "../fixtures/signalling-peer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";

let stage: TestRelay;
beforeAll(async () => {
  stage = await startTestRelay();
});
afterAll(() => stage.remove());

function connect(name: string): WebSocket {
  return new WebSocket(signallingUrl(stage.relay.port, peerCalled(name)));
}

async function nextMessage(socket: WebSocket): Promise<unknown> {
  const [data] = await once(socket, "message");
  return JSON.parse(String(data));
}

test("signalling: an offer reaches the peer that it names, with its sender", async () => {
  const [ada, bob] = [connect("ada"), connect("bob")];
  expect(await Promise.all([ada, bob].map(nextMessage))).toEqual([
    { type: "OPEN" },
    { type: "OPEN" },
  ]);
  const heard = nextMessage(bob);
  const [src, dst] = [peerCalled("ada").peer, peerCalled("bob").peer];
  ada.send(JSON.stringify({ type: "OFFER", dst, payload: { sdp: "v=0" } }));
  expect(await heard).toEqual({ type: "OFFER", src, dst, payload: { sdp: "v=0" } });
  ada.close();
  bob.close();
});

test("W1: over HTTP nobody is given an id, and nobody can list the peers", async () => {
  const base = `http://localhost:${stage.relay.port}/peerjs/peerjs`;
  expect((await fetch(`${base}/id`)).status).toBe(401);
  expect((await fetch(`${base}/peers`)).status).toBe(401);
});

test("signalling: an oversized message ends that peer's connection, and only that", async () => {
  const [liar, bob] = [connect("liar"), connect("other")];
  await Promise.all([liar, bob].map(nextMessage));
  liar.send("x".repeat(1 << 20));
  await once(liar, "close");
  expect(bob.readyState).toBe(WebSocket.OPEN);
  bob.close();
});
