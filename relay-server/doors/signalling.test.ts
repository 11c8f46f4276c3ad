import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openSignalling } from "./signalling.ts";

type Options = Parameters<typeof openSignalling>[1];
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Signalling by itself; `connect` is a peer of that name that is let in, or sees its socket close. */
async function openStage(options: Options) {
  const accepted: Socket[] = [];
  const server = createServer().on("connection", (socket: Socket) => accepted.push(socket));
  const signalling = openSignalling(server, options);
  await once(server.listen(0, "127.0.0.1"), "listening");
  closers.push(() => {
    signalling.close();
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  async function connect(id: string, forwarded = "192.0.2.1"): Promise<WebSocket> {
    const query = new URLSearchParams({ key: "peerjs", id, token: id });
    const headers = { "x-forwarded-for": forwarded };
    const peer = new WebSocket(`ws://127.0.0.1:${port}/peerjs/peerjs?${query}`, { headers });
    await Promise.race([once(peer, "message"), once(peer, "close")]);
    return peer;
  }
  return { connect, accepted };
}

const offer = (dst: string, payload = "") => JSON.stringify({ type: "OFFER", dst, payload });

test("a peer that sends too many messages, or too much, is disconnected, and only that", async () => {
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

test("a peer that does not take what it is sent is disconnected", async () => {
  const { connect, accepted } = await openStage({ bytes: 1 << 30, unreadBytes: 64 << 10 });
  const deaf = await connect("deaf");
  const loud = await connect("loud");
  deaf.pause();
  const message = offer("deaf", "x".repeat(60_000));
  for (let i = 0; i < 400; i++) loud.send(message); // more than the kernel's buffers hold
  await once(accepted[0]!, "close");
  expect(loud.readyState).toBe(WebSocket.OPEN);
});

test("one network has so many sockets, an IPv6 network too, and gets them back", async () => {
  const { connect } = await openStage({ trustProxy: true, socketsPerNetwork: 2 });
  const first = await connect("a", "2001:db8::1");
  await connect("b", "2001:db8::2");
  expect((await connect("c", "2001:db8::3")).readyState).toBe(WebSocket.CLOSED);
  expect((await connect("d", "2001:db8:0:1::1")).readyState).toBe(WebSocket.OPEN);
  first.close();
  await once(first, "close");
  expect((await connect("e", "2001:db8::4")).readyState).toBe(WebSocket.OPEN);
});
