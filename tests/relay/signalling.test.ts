/** PeerJS's signalling on the relay's own port, as its clients speak it. */
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";

let stage: TestRelay;
beforeAll(async () => {
  stage = await startTestRelay();
});
afterAll(() => stage.remove());

function connect(id: string): WebSocket {
  const query = new URLSearchParams({ key: "peerjs", id, token: `token-${id}` });
  return new WebSocket(`ws://localhost:${stage.relay.port}/peerjs/peerjs?${query}`);
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
  ada.send(JSON.stringify({ type: "OFFER", dst: "bob", payload: { sdp: "v=0" } }));
  expect(await heard).toEqual({ type: "OFFER", src: "ada", dst: "bob", payload: { sdp: "v=0" } });
  ada.close();
  bob.close();
});

test("signalling: peers are given an id over HTTP and nobody can list them", async () => {
  const base = `http://localhost:${stage.relay.port}/peerjs/peerjs`;
  expect(await (await fetch(`${base}/id`)).text()).toMatch(/^[0-9a-f-]{36}$/);
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
