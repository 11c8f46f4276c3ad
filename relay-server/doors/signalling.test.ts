import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createConnection, type Socket } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { peerIdOf } from "../../core/swarm/peer-id.ts";
import { eventually } from "../../tests/fixtures/eventually.ts";
import { type PeerName, peerCalled, signallingUrl } from "../../tests/fixtures/signalling-peer.ts";
import { openSignalling } from "./signalling.ts";

type Limits = Parameters<typeof openSignalling>[0];
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Signalling by itself; `connect` is a peer of that name that is let in, or sees its socket close. */
async function openStage(limits: Limits = {}) {
  const accepted: Socket[] = [];
  const server = createServer().on("connection", (socket: Socket) => accepted.push(socket));
  const signalling = openSignalling(limits);
  server.on("upgrade", (request, socket, head) =>
    signalling.upgrade(request, socket, head, String(request.headers.from)),
  );
  await once(server.listen(0, "127.0.0.1"), "listening");
  closers.push(() => {
    signalling.close();
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  async function connect(name: string, from = "here"): Promise<WebSocket> {
    return connectAs(peerCalled(name), from);
  }
  async function connectAs(called: PeerName, from = "here"): Promise<WebSocket> {
    const peer = new WebSocket(signallingUrl(port, called), { headers: { from } });
    peer.on("error", () => {}); // turned away: it closes then
    await new Promise((resolve) => peer.once("message", resolve).once("close", resolve));
    return peer;
  }
  return { connect, connectAs, accepted, signalling, port };
}

/** An offer to a peer that the tests call `dst`. */
const offer = (dst: string, payload: unknown = "") =>
  JSON.stringify({ type: "OFFER", dst: idOf(dst), payload });
const idOf = (name: string) => peerCalled(name).peer;

async function nextMessage(peer: WebSocket): Promise<unknown> {
  const [data] = await once(peer, "message");
  return JSON.parse(String(data));
}

test("W: a peer that sends too many messages, or too much, is disconnected, and only that", async () => {
  const { connect } = await openStage({ messages: 5, bytes: 1000 });
  const [many, much, quiet] = [
    await connect("many"),
    await connect("much"),
    await connect("quiet"),
  ];
  for (let i = 0; i < 6; i++) many.send(offer("nobody"));
  much.send(offer("nobody", "x".repeat(2000)));
  await Promise.all([once(many, "close"), once(much, "close")]);
  for (let i = 0; i < 5; i++) quiet.send(offer("quiet"));
  await once(quiet, "message");
  expect(quiet.readyState).toBe(WebSocket.OPEN);
});

test("W: many peers of one network that send much together are disconnected, others are not", async () => {
  const { connect } = await openStage({ networkBytes: 20_000 });
  const peers = await Promise.all(Array.from({ length: 5 }, (_, i) => connect(`p${i}`, "crowd")));
  const other = await connect("other", "elsewhere");
  for (const peer of peers) peer.send(offer("nobody", "x".repeat(5000)));
  await Promise.any(peers.map((peer) => once(peer, "close")));
  expect(other.readyState).toBe(WebSocket.OPEN);
});

test("W3: many networks of one site that send much together are disconnected", async () => {
  const { connect } = await openStage({ networkBytes: 10_000 });
  const house = (n: number) => `2001:db8:7:${n}::/64`;
  const peers = await Promise.all([0, 1, 2, 3, 4, 5].map((n) => connect(`p${n}`, house(n))));
  const other = await connect("other", "elsewhere");
  for (const peer of peers) peer.send(offer("nobody", "x".repeat(9000)));
  await Promise.any(peers.map((peer) => once(peer, "close")));
  expect(other.readyState).toBe(WebSocket.OPEN);
});

test("W: a peer that does not take what it is sent is disconnected", async () => {
  const { connect, accepted } = await openStage({ bytes: 1 << 30, networkBytes: 1 << 30 });
  const deaf = await connect("deaf");
  const loud = await connect("loud");
  deaf.pause();
  const message = offer("deaf", "x".repeat(15_000));
  const gone = once(accepted[0]!, "close");
  for (let i = 0; i < 900; i++) loud.send(message); // more than the kernel's buffers hold
  await gone;
  expect(loud.readyState).toBe(WebSocket.OPEN);
});

test("W3: one network has so many sockets, a site four times as many, and they get them back", async () => {
  const { connect } = await openStage({ socketsPerNetwork: 2 });
  const first = await connect("a");
  await connect("b");
  expect((await connect("c")).readyState).toBe(WebSocket.CLOSED);
  expect((await connect("d", "elsewhere")).readyState).toBe(WebSocket.OPEN);
  first.close();
  await once(first, "close");
  expect((await connect("e")).readyState).toBe(WebSocket.OPEN);
  const house = (n: number) => `2001:db8:7:${n}::/64`;
  for (let n = 0; n < 8; n++) await connect(`house${n}`, house(n));
  expect((await connect("one more", house(8))).readyState).toBe(WebSocket.CLOSED);
});

test("W: what is sent to nobody is answered at once, and is not parsed", async () => {
  const { connect } = await openStage();
  const peer = await connect("peer");
  peer.send(`{"type":"OFFER","dst":"nobody","payload":${"[".repeat(15_000)}`); // no JSON
  expect(await nextMessage(peer)).toEqual({ type: "EXPIRE", src: "nobody", dst: idOf("peer") });
});

test.each([
  ["is no JSON", `{"type":"OFFER","dst":"${idOf("peer")}"`],
  ["is no message", "7"],
  [
    "is nested deeper than it can be written",
    offer("peer", "deep").replace('"deep"', "[".repeat(7000) + "]".repeat(7000)),
  ],
  ["is longer than a message may be", offer("peer", "x".repeat(20_000))],
])("W: a peer whose message %s is disconnected, and nobody else", async (_, text) => {
  const { connect } = await openStage();
  const [liar, peer] = [await connect("liar"), await connect("peer")];
  liar.send(text);
  await Promise.race([once(liar, "close"), once(peer, "message")]); // engines differ in how deep they write
  expect(peer.readyState).toBe(WebSocket.OPEN);
});

test("W: a message in more pieces than a browser makes ends its peer's connection", async () => {
  const { connect } = await openStage();
  const liar = await connect("liar");
  for (let i = 0; i < 40; i++) liar.send("x", { fin: false });
  await once(liar, "close");
});

test("W1: the peer of a token comes back in place of itself, and hears what is sent to its id", async () => {
  const { connect, signalling } = await openStage();
  const first = await connect("ada");
  const gone = once(first, "close");
  const again = await connect("ada");
  await gone;
  expect([again.readyState, signalling.peers()]).toEqual([WebSocket.OPEN, 1]);
  again.send(offer("ada", { sdp: "v=0" }));
  expect(await nextMessage(again)).toEqual({
    type: "OFFER",
    src: idOf("ada"),
    dst: idOf("ada"),
    payload: { sdp: "v=0" },
  });
});

test("W1: an id cannot be taken over, at a relay that knows the peer or at one that has just begun", async () => {
  const ada = peerCalled("ada");
  const thief = { peer: ada.peer, token: "guess" };
  const { connectAs, signalling } = await openStage();
  expect((await connectAs(thief)).readyState).toBe(WebSocket.CLOSED);
  const owner = await connectAs(ada);
  expect((await connectAs(thief)).readyState).toBe(WebSocket.CLOSED);
  expect([owner.readyState, signalling.peers()]).toEqual([WebSocket.OPEN, 1]);
});

test("W1: a page's id is the one that the relay asks for", async () => {
  const { connectAs } = await openStage();
  const token = "5d0d1c1e-8a56-4bb3-9a2f-0d3a1a2b3c4d";
  const page = await connectAs({ peer: await peerIdOf(token), token });
  expect(page.readyState).toBe(WebSocket.OPEN);
});

test("W1: the relay has so many peers, and one of them can still come back", async () => {
  const { connect, signalling } = await openStage({ peers: 2 });
  for (const name of ["ada", "bob"]) await connect(name, name);
  expect((await connect("carl", "carl")).readyState).toBe(WebSocket.CLOSED);
  const again = await connect("ada", "ada");
  expect([again.readyState, signalling.peers()]).toEqual([WebSocket.OPEN, 2]);
});

const ADA = { key: "peerjs", id: idOf("ada"), token: peerCalled("ada").token };
const LONG = "x".repeat(129);
test.each([
  ["another key", { ...ADA, key: "guess" }],
  ["no token", { ...ADA, token: "" }],
  ["no id", { ...ADA, id: "" }],
  ["another's token", { ...ADA, token: peerCalled("bob").token }],
  ["its id in another spelling", { ...ADA, id: ADA.id.toUpperCase() }],
  [
    "an endless token",
    { ...ADA, id: createHash("sha256").update(LONG).digest("hex"), token: LONG },
  ],
])("W1: whoever comes with %s is turned away before the handshake", async (_, query) => {
  const { port, signalling } = await openStage();
  const url = `ws://127.0.0.1:${port}/peerjs/peerjs?${new URLSearchParams(query)}`;
  const [error] = await once(new WebSocket(url), "error");
  expect(String(error)).toContain("400");
  expect(signalling.peers()).toBe(0);
});

test("W1: whoever is turned away keeps no line open, though it never hangs up", async () => {
  const { port, accepted } = await openStage();
  const socket = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {}); // the relay hangs up
  socket.write(
    "GET /peerjs/peerjs HTTP/1.1\r\nhost: x\r\nfrom: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n",
  );
  socket.resume();
  await once(socket, "end");
  await eventually(() => expect(accepted[0]!.destroyed).toBe(true));
  socket.destroy();
});

test("W1: the token alone proves a peer, while its socket is open", async () => {
  const { connect, signalling } = await openStage();
  const ada = await connect("ada", "home");
  const { networkOf } = signalling;
  const { peer, token } = peerCalled("ada");
  const absent = peerCalled("bob");
  expect([
    networkOf(peer, token),
    networkOf(peer, "guess"),
    networkOf(absent.peer, absent.token),
  ]).toEqual(["home", null, null]);
  ada.close();
  await once(ada, "close");
  await eventually(() => expect(networkOf(peer, token)).toBeNull());
});

test.each([
  ["names nobody", JSON.stringify({ type: "OFFER", payload: "x" })],
  ["names many", JSON.stringify({ type: "OFFER", dst: [idOf("ada"), idOf("bob")], payload: "x" })],
  ["is of a kind that is not passed on", JSON.stringify({ type: "OPEN", dst: idOf("ada") })],
  ["is a heartbeat", JSON.stringify({ type: "HEARTBEAT" })],
])("W2: a message that %s reaches nobody", async (_, text) => {
  const { connect } = await openStage();
  const [ada, bob] = [await connect("ada"), await connect("bob")];
  bob.send(text);
  bob.send(offer("ada", "after it"));
  expect(await nextMessage(ada)).toMatchObject({
    type: "OFFER",
    src: idOf("bob"),
    payload: "after it",
  });
  expect(bob.readyState).toBe(WebSocket.OPEN);
});

test("W2: a sender cannot speak in another's name", async () => {
  const { connect } = await openStage();
  const [ada, bob] = [await connect("ada"), await connect("bob")];
  bob.send(JSON.stringify({ type: "OFFER", src: idOf("carl"), dst: idOf("ada"), payload: "x" }));
  expect(await nextMessage(ada)).toMatchObject({ src: idOf("bob") });
});

test("W3: a peer that says nothing for 90 s is disconnected, one with a heartbeat is not", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  try {
    const { connect } = await openStage();
    const [silent, lively] = [await connect("silent"), await connect("lively")];
    const gone = once(silent, "close");
    for (let period = 0; period < 10; period++) {
      lively.send(JSON.stringify({ type: "HEARTBEAT" }));
      lively.send(offer("lively"));
      await once(lively, "message"); // what was sent before it was heard
      vi.advanceTimersByTime(10_000);
    }
    await gone;
    expect(lively.readyState).toBe(WebSocket.OPEN);
  } finally {
    vi.useRealTimers();
  }
});
