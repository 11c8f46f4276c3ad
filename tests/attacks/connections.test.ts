/** Connections that ask for more than they take. */
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { chunksOfManifest } from "../../core/tensors/manifest.ts";
import { startServing } from "../../relay-server/doors/serving.ts";
import { eventually } from "../fixtures/eventually.ts";
import { peerCalled } from "../fixtures/signalling-peer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
const CONFIG = { host: "127.0.0.1", port: 0, trustProxy: 0 };
let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay();
});
afterAll(() => relay.remove());

function open(port = relay.relay.port): Socket {
  return connect(port, "127.0.0.1").on("error", () => {}); // it may be reset
}

/** What comes until the other side ends the connection. */
async function heardOn(socket: Socket): Promise<string> {
  const pieces: Buffer[] = [];
  socket.on("data", (piece) => pieces.push(piece));
  await once(socket, "close");
  return Buffer.concat(pieces).toString("latin1");
}

test("one connection that asks for a file 600 times and reads nothing has one of them open", async () => {
  const { keyframe } = await relay.client.checkpoint("tiny", 0);
  const [chunk] = chunksOfManifest(keyframe!.manifest);
  const blob = `GET /api/v1/blobs/${chunk!.sha256} HTTP/1.1\r\nhost: x\r\n\r\n`;
  const before = readdirSync("/proc/self/fd").length;
  const socket = open();
  socket.pause();
  socket.write(blob.repeat(600));
  await relay.client.health();
  expect(readdirSync("/proc/self/fd").length - before).toBeLessThan(12);
  socket.destroy();
});

test("requests that are sent ahead are answered in turn, and no more than a line of them", async () => {
  const socket = open();
  socket.write("GET /api/v1/models HTTP/1.1\r\nhost: x\r\n\r\n".repeat(40));
  const answers = (await heardOn(socket)).match(/HTTP\/1.1 200/g);
  expect(answers).toHaveLength(17);
});

test("a client that takes nothing of an answer is dropped", async () => {
  const take = async () => new Response(new Uint8Array(8 << 20));
  const serving = await startServing(CONFIG, take, { silenceMs: 300 });
  const socket = open(serving.port).pause();
  socket.write("GET /x HTTP/1.1\r\nhost: x\r\n\r\n");
  const ended = eventually(() => expect(Reflect.get(socket, "destroyed")).toBe(true));
  socket.resume(); // what the kernel holds comes, then the end
  setTimeout(() => socket.pause(), 0);
  setTimeout(() => socket.resume(), 1500);
  await ended;
  await serving.close();
});

test("the connections of one network never use up what may be open", async () => {
  const told = vi.spyOn(console, "warn").mockImplementation(() => {});
  const serving = await startServing(CONFIG, async () => new Response("x"), { connections: 32 });
  const sockets = Array.from({ length: 20 }, () => open(serving.port));
  await eventually(() => expect(sockets.filter(({ destroyed }) => destroyed)).toHaveLength(12));
  expect(told).toHaveBeenCalledOnce();
  told.mockRestore();
  await serving.close();
});

test("an upgrade that the relay does not know is not taken up", async () => {
  for (const protocol of ["h2c", "websocket", "TLS/1.3"]) {
    const socket = open();
    socket.write(
      `GET /api/v1/models HTTP/1.1\r\nhost: x\r\nconnection: close, Upgrade, HTTP2-Settings\r\nupgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
    );
    expect(await heardOn(socket)).toMatch(/^HTTP\/1.1 200/);
  }
});

test("no address makes the relay tell of its inside", async () => {
  for (const path of [
    "/peerjs/%",
    "/peerjs/peerjs/%ff/id",
    "/%",
    "/api/v1/%",
    "/api/v1/blobs/%00",
  ]) {
    const socket = open();
    socket.end(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    const answer = await heardOn(socket);
    expect(answer).toMatch(/^HTTP\/1.1 4\d\d/);
    expect(answer).toMatch(/content-security-policy/i);
    expect(answer).not.toMatch(/node_modules|\.ts:|x-powered-by|express/i);
  }
});

test("signalling: a request that is no handshake is refused", async () => {
  const { peer, token } = peerCalled("ada");
  const query = new URLSearchParams({ key: "peerjs", id: peer, token });
  const socket = open();
  socket.write(
    `GET /peerjs/peerjs?${query} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n`,
  );
  expect(await heardOn(socket)).toMatch(/^HTTP\/1.1 400/);
});

test("H12: one network has so many streams of events, which is logged, and gets them back", async () => {
  const told = vi.spyOn(console, "warn").mockImplementation(() => {});
  const small = await startTestRelay({ config: { addressStreams: 3 } });
  const listen = () => {
    const socket = open(small.relay.port);
    socket.write("GET /api/v1/events HTTP/1.1\r\nhost: x\r\n\r\n");
    return socket;
  };
  const head = async (socket: Socket) => String((await once(socket, "data"))[0]);
  const streams = [listen(), listen(), listen()];
  for (const stream of streams) expect(await head(stream)).toMatch(/^HTTP\/1.1 200/);
  const refused = listen();
  expect(await head(refused)).toMatch(/^HTTP\/1.1 429[\s\S]*retry-after: 30/i);
  expect(told.mock.calls.join()).toContain("turned away");
  streams[0]!.destroy();
  await eventually(async () => {
    const again = listen();
    const answer = await head(again);
    if (!answer.startsWith("HTTP/1.1 200")) again.destroy();
    expect(answer).toMatch(/^HTTP\/1.1 200/);
  });
  const ended = once(streams[1]!, "close");
  await small.remove();
  await ended;
  told.mockRestore();
});

test("H12: a stream of events is the line's own: what was asked before it is answered, what comes after it is not", async () => {
  const socket = open();
  const ask = (path: string) => `GET /api/v1/${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
  socket.write(ask("models") + ask("events?topics=version") + ask("models"));
  let heard = "";
  socket.on("data", (data) => {
    heard += String(data);
  });
  await eventually(() => expect(heard).toContain("retry: "));
  socket.write(ask("models"));
  await relay.client.health();
  expect(heard.match(/HTTP\/1.1 200/g)).toHaveLength(2);
  expect(heard).toMatch(
    /content-type: text\/event-stream\r\n[\s\S]*content-security-policy: |content-security-policy: [\s\S]*text\/event-stream/i,
  );
  socket.destroy();
});
