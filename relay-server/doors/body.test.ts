import { Hono } from "hono";
import { expect, test } from "vitest";
import { FormatError } from "../../core/errors.ts";
import { MAX_REQUEST_BYTES } from "../../core/protocol/limits.ts";
import { createBodies, type RoomName } from "./body.ts";
import { answerError } from "./refusal.ts";

const LARGE = 4 * MAX_REQUEST_BYTES;

/**
 * A relay whose room for patches holds 16 of the largest, two a network; its room for requests likewise. It answers a
 * body with its length once it may.
 */
function createTaker(large = LARGE) {
  let now = 0;
  const sizes = { requests: 16 * MAX_REQUEST_BYTES, announced: 16 * large, strangers: 8 * large };
  const bodies = createBodies(
    (c) => c.req.header("from")!,
    () => now,
    sizes,
  );
  const app = new Hono();
  let goOn = Promise.withResolvers<void>();
  app.onError(answerError);
  app.use(bodies.hold);
  const send = (room: RoomName, maxBytes: number) => {
    app.put(`/${room}`, async (c) => {
      const { length } = await bodies.read(c, { maxBytes, room });
      await goOn.promise;
      return c.json(length);
    });
    return (from: string, body: BodyInit) => {
      const init = { method: "PUT", body, headers: { from }, duplex: "half" };
      return app.request(`/${room}`, init as RequestInit);
    };
  };
  return {
    patch: send("announced", large),
    stranger: send("strangers", large),
    request: send("requests", MAX_REQUEST_BYTES),
    answer: () => goOn.resolve(),
    hold() {
      goOn = Promise.withResolvers<void>();
    },
    advance(ms: number) {
      now += ms;
    },
  };
}

const bytes = (size: number) => new Uint8Array(size);
const networks = (count: number) => Array.from({ length: count }, (_, i) => `192.0.2.${i}`);

/** A body of `size` bytes whose sender stops one byte before its end. */
const stalled = (size: number) =>
  new ReadableStream({ start: (controller) => controller.enqueue(bytes(size - 1)) });

test("H2: what all requests have sent is bounded until they are answered", async () => {
  const taker = createTaker();
  const held = networks(8).flatMap((from) => [1, 2].map(() => taker.patch(from, bytes(LARGE))));
  const late = await taker.patch("a ninth", bytes(1));
  expect([late.status, late.headers.get("retry-after")]).toEqual([503, "5"]);
  expect(await late.json()).toMatchObject({ error: { code: "unavailable" } });
  taker.answer();
  for (const answer of held) expect((await answer).status).toBe(200);
  expect((await taker.patch("a ninth", bytes(LARGE))).status).toBe(200);
});

test("H2: one network that stalls takes an eighth of the room, and others send on", async () => {
  const taker = createTaker();
  taker.answer();
  for (const _ of [1, 2]) void taker.patch("stalls", stalled(LARGE));
  expect((await taker.patch("stalls", bytes(LARGE))).status).toBe(503);
  expect((await taker.patch("sends", bytes(LARGE))).status).toBe(200);
});

test("H2: patches that stall, from however many networks, leave requests their room", async () => {
  const taker = createTaker();
  taker.answer();
  for (const from of networks(8)) for (const _ of [1, 2]) void taker.patch(from, stalled(LARGE));
  expect((await taker.patch("a maintainer", bytes(LARGE))).status).toBe(503);
  expect((await taker.request("a maintainer", bytes(MAX_REQUEST_BYTES))).status).toBe(200);
});

test("H2: patches that nobody announced take no room of those that are", async () => {
  const taker = createTaker();
  taker.answer();
  for (const from of networks(8)) void taker.stranger(from, stalled(LARGE));
  expect((await taker.stranger("a ninth", bytes(1))).status).toBe(503);
  expect((await taker.patch("a ninth", bytes(LARGE))).status).toBe(200);
});

test("H2: the slowest of those that take long make room, whatever their networks", async () => {
  const taker = createTaker();
  taker.answer();
  const slow = taker.patch("slow", stalled(LARGE / 4));
  taker.advance(5000);
  const quick = networks(15).map((from) => taker.patch(from, stalled(LARGE)));
  taker.advance(5000); // the slow one takes long now
  const [gone, taken] = await Promise.all([slow, taker.patch("another", bytes(LARGE))]);
  expect([gone.status, taken.status]).toEqual([503, 200]);
  expect(await gone.json()).toMatchObject({ error: { code: "unavailable" } });
  void taker.patch("one more", stalled(LARGE));
  expect((await taker.patch("another", bytes(LARGE))).status).toBe(503);
  taker.advance(5000); // the others do, too
  expect((await taker.patch("another", bytes(LARGE))).status).toBe(200);
  expect((await Promise.race(quick)).status).toBe(503);
});

test("H2: a body in many tiny pieces is refused, one in the packets of a slow line is not", async () => {
  const taker = createTaker();
  taker.answer();
  const inPieces = (pieceBytes: number) => {
    let left = 3000;
    return new ReadableStream({
      pull: (controller) =>
        left-- > 0 ? controller.enqueue(bytes(pieceBytes)) : controller.close(),
    });
  };
  const tiny = await taker.patch("a", inPieces(1));
  expect([tiny.status, (await tiny.json()).error.code]).toEqual([400, "malformed"]);
  expect((await taker.patch("a", inPieces(21))).status).toBe(400);
  const patient = createTaker(2 << 20);
  patient.answer();
  const { status } = await patient.patch("a", inPieces(536));
  expect(status).toBe(200);
});

test("H2: a body that is refused or breaks off leaves its room", async () => {
  const taker = createTaker();
  taker.answer();
  const broken = () =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(bytes(LARGE));
      },
      pull(controller) {
        controller.error(new FormatError("gone"));
      },
    });
  const tooLong = bytes(LARGE + 1);
  for (const body of [tooLong, broken(), tooLong, broken(), broken()]) await taker.patch("a", body);
  taker.hold();
  const whole = [1, 2].map(() => taker.patch("a", bytes(LARGE)));
  taker.answer();
  for (const answer of whole) expect(await (await answer).json()).toBe(LARGE);
});
