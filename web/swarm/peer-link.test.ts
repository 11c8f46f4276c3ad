import { expect, test } from "vitest";
import { encodePeerMessage } from "../../core/swarm/peer-message.ts";
import { type Channel, type LinkListener, openPeerLink, type PeerLink } from "./peer-link.ts";

const CHUNK = "ab".repeat(32);

/** A channel whose buffer empties when the test says so, and what was sent through it. */
function heldChannel() {
  const sent: (string | Uint8Array)[] = [];
  let low = () => {};
  const channel: Channel = {
    bufferedAmount: 0,
    bufferedAmountLowThreshold: 0,
    send(data) {
      sent.push(data);
      Object.assign(channel, { bufferedAmount: channel.bufferedAmount + data.length });
    },
    addEventListener: (_, hear) => {
      low = hear;
    },
  };
  const drain = () => {
    Object.assign(channel, { bufferedAmount: 0 });
    low();
  };
  return { channel, sent, drain };
}

function listen() {
  const heard: unknown[][] = [];
  const note =
    (name: string) =>
    (...values: unknown[]) =>
      void heard.push([name, ...values]);
  const listener: LinkListener = {
    told: note("told"),
    wanted: note("wanted"),
    came: note("came"),
    coming: () => {},
    refused: note("refused"),
    cut: note("cut"),
    sent: () => {},
    broke: note("broke"),
  };
  return { heard, listener };
}

/** Two links, each of whose messages the other takes when the test passes them on. */
function openPair() {
  const one = { ...heldChannel(), ...listen() };
  const two = { ...heldChannel(), ...listen() };
  const clock = { steadyMs: () => 0 };
  const first = openPeerLink(one.channel, one.listener, clock);
  const second = openPeerLink(two.channel, two.listener, clock);
  function deliver(from: ReturnType<typeof heldChannel>, to: PeerLink): void {
    for (const data of from.sent.splice(0)) {
      to.take(typeof data === "string" ? data : data.slice().buffer);
    }
    from.drain();
  }
  /** Pass on until nobody has anything to say. */
  function settle(): void {
    while (one.sent.length + two.sent.length > 0) {
      deliver(one, second);
      deliver(two, first);
    }
  }
  return { first, second, one, two, settle };
}

const bytesOf = (size: number, seed = 1) =>
  Uint8Array.from({ length: size }, (_, i) => (i * 31 + seed) & 255);

test("X3: a chunk comes whole and in order, in messages of at most 16 KiB", () => {
  const { first, second, one, two, settle } = openPair();
  const bytes = bytesOf((1 << 20) + 7);
  first.want(4, CHUNK, bytes.length);
  second.take(one.sent.splice(0)[0]);
  second.serve(4, bytes);
  const sizes = two.sent.slice(1).map(({ length }) => length);
  expect(Math.max(...sizes)).toBe(16 << 10);
  settle();
  expect(one.heard).toEqual([["came", 4, bytes]]);
});

test("X4: what came of a chunk is handed over when its rest is to come from elsewhere, and the holder stops", () => {
  const { first, second, one, two, settle } = openPair();
  const bytes = bytesOf(1 << 20);
  for (const request of [4, 5]) first.want(request, CHUNK, bytes.length);
  for (const data of one.sent.splice(0)) second.take(data);
  second.serve(4, bytes);
  for (const data of two.sent.splice(0, 10))
    first.take(typeof data === "string" ? data : data.slice().buffer); // begin, nine pieces
  first.cut(4);
  first.cut(5); // of which nothing came
  const [[kind, request, part, filled], [, next, , none]] = one.heard as [unknown[], unknown[]];
  expect([kind, request, filled]).toEqual(["cut", 4, 9 * (16 << 10)]);
  expect((part as Uint8Array).subarray(0, 9 * (16 << 10))).toEqual(
    bytes.subarray(0, 9 * (16 << 10)),
  );
  expect([next, none]).toEqual([5, 0]);
  first.cut(4); // once
  settle();
  expect(one.heard).toHaveLength(2);
  expect(two.heard.map(([name]) => name)).toEqual(["wanted", "wanted"]);
});

test("a taker hears eight times at most what came of a chunk of 1 MiB", () => {
  const coming: number[] = [];
  const { channel } = heldChannel();
  const listener = {
    ...listen().listener,
    coming: (_: number, filled: number) => coming.push(filled),
  };
  const link = openPeerLink(channel, listener, { steadyMs: () => 0 });
  link.want(1, CHUNK, 1 << 20);
  link.take(encodePeerMessage({ type: "begin", request: 1 }));
  for (let piece = 0; piece < 64; piece++) link.take(new ArrayBuffer(16 << 10));
  expect(coming).toEqual([1, 2, 3, 4, 5, 6, 7].map((eighth) => eighth * (128 << 10)));
});

test("X3: never more than 1 MiB waits in the channel", () => {
  const { first, second, one, two, settle } = openPair();
  for (const request of [1, 2, 3]) first.want(request, CHUNK, 1 << 20);
  for (const data of one.sent.splice(0)) second.take(data);
  for (const request of [1, 2, 3]) second.serve(request, bytesOf(1 << 20, request));
  expect(two.channel.bufferedAmount).toBeLessThanOrEqual(1 << 20);
  expect(two.channel.bufferedAmount).toBeGreaterThan(900_000);
  settle();
  expect(one.heard.map(([name, request]) => [name, request])).toEqual([
    ["came", 1],
    ["came", 2],
    ["came", 3],
  ]);
});

test("X4: a chunk that is cancelled stops, and the next one begins", () => {
  const { first, second, one, two, settle } = openPair();
  first.want(1, CHUNK, 3 << 20);
  first.want(2, CHUNK, 5);
  for (const data of one.sent.splice(0)) second.take(data);
  second.serve(1, bytesOf(3 << 20));
  second.serve(2, bytesOf(5));
  first.cancel(1);
  settle();
  expect(one.heard).toEqual([["came", 2, bytesOf(5)]]);
  first.want(3, CHUNK, 4);
  settle();
  second.serve(3, bytesOf(4));
  settle();
  expect(one.heard.at(-1)).toEqual(["came", 3, bytesOf(4)]);
  expect(two.heard.filter(([name]) => name === "broke")).toEqual([]);
});

test("X4: a cancel that crosses the last byte does no harm", () => {
  const { first, second, one, two, settle } = openPair();
  first.want(1, CHUNK, 5);
  for (const data of one.sent.splice(0)) second.take(data);
  second.serve(1, bytesOf(5));
  const onTheWay = two.sent.splice(0);
  first.cancel(1);
  for (const data of onTheWay) first.take(typeof data === "string" ? data : data.slice().buffer);
  settle();
  expect([one.heard, two.heard.length]).toEqual([[], 1]); // told of the want, and no more
});

test("X4: a refused chunk is told, and asks for nothing more", () => {
  const { first, second, one, settle } = openPair();
  first.want(9, CHUNK, 5);
  settle();
  second.refuse(9);
  settle();
  expect(one.heard).toEqual([["refused", 9]]);
});

test("X4: what came of a chunk in whose middle the connection ends is handed out, with room for the rest", () => {
  const { first, second, one, two } = openPair();
  first.want(1, CHUNK, 100_000);
  for (const data of one.sent.splice(0)) second.take(data);
  second.serve(1, bytesOf(100_000));
  for (const data of two.sent.splice(0, 3)) {
    first.take(typeof data === "string" ? data : data.slice().buffer);
  }
  first.end();
  const [heard] = one.heard as [[string, number, Uint8Array, number]];
  expect([heard[0], heard[1], heard[2].length, heard[3]]).toEqual(["cut", 1, 100_000, 32 << 10]);
  expect(heard[2].subarray(0, 32 << 10)).toEqual(bytesOf(100_000).subarray(0, 32 << 10));
});

test("X4: of a chunk that was cancelled, or did not begin to come, a connection's end hands out nothing", () => {
  const { first, second, one, two } = openPair();
  for (const request of [1, 2]) first.want(request, CHUNK, 100_000);
  for (const data of one.sent.splice(0)) second.take(data);
  second.serve(1, bytesOf(100_000));
  for (const data of two.sent.splice(0, 3)) {
    first.take(typeof data === "string" ? data : data.slice().buffer);
  }
  first.cancel(1);
  first.end();
  expect(one.heard).toEqual([]);
});

const text = (message: object) => JSON.stringify(message);
const begin = (request: number) => text({ type: "begin", request });
const piece = (size: number) => new ArrayBuffer(size);

test.each<[string, readonly unknown[]]>([
  ["bytes that nobody asked for", [piece(10)]],
  ["a chunk that nobody asked for", [begin(8)]],
  ["a second chunk inside of one", [begin(1), begin(2)]],
  ["more bytes than the chunk has", [begin(1), piece(101)]],
  ["empty bytes", [begin(1), piece(0)]],
  ["what is no JSON", ["{"]],
  ["a message of another kind", [text({ type: "list" })]],
  ["a field that no rule names", [text({ type: "begin", request: 1, more: 1 })]],
  ["a bitfield in another spelling", [text({ type: "have", model: "m", list: CHUNK, have: "A0" })]],
  ["a text that is too long", [" ".repeat((16 << 10) + 1)]],
  ["neither text nor bytes", [new Blob([])]],
  [
    "the same request twice",
    Array.from({ length: 2 }, () => text({ type: "want", request: 3, chunk: CHUNK })),
  ],
  [
    "more requests than may be open",
    Array.from({ length: 17 }, (_, request) => text({ type: "want", request, chunk: CHUNK })),
  ],
  [
    "more messages than a peer needs",
    Array.from({ length: 1001 }, () => text({ type: "cancel", request: 1 })),
  ],
])("X5: a peer that sends %s is dropped", (_, messages) => {
  const { channel } = heldChannel();
  const { listener, heard } = listen();
  const link = openPeerLink(channel, listener, { steadyMs: () => 0 });
  link.want(1, CHUNK, 100);
  link.want(2, CHUNK, 100);
  for (const message of messages) link.take(message);
  expect(heard.filter(([name]) => name === "broke")).toHaveLength(1);
});

test("X5: a piece that is larger than a message may be breaks the rule, whatever the chunk's size", () => {
  const { channel } = heldChannel();
  const { listener, heard } = listen();
  const link = openPeerLink(channel, listener, { steadyMs: () => 0 });
  link.want(1, CHUNK, 1 << 20);
  link.take(begin(1));
  link.take(piece((16 << 10) + 1));
  expect(heard).toEqual([["broke", expect.stringContaining("chunk 1")]]);
});
