import { Hono } from "hono";
import { expect, test } from "vitest";
import { FormatError } from "../../core/errors.ts";
import { MAX_REQUEST_BYTES } from "../../core/protocol/limits.ts";
import { createBodies } from "./body.ts";
import { answerError } from "./refusal.ts";

const LARGE = 4 * MAX_REQUEST_BYTES;

/**
 * A relay whose room for patches holds 16 of the largest, two a network; its room for requests likewise. It answers a
 * body with its length once it may.
 */
function createTaker() {
  const bodies = createBodies((c) => c.req.header("from")!, {
    smallBytes: 16 * MAX_REQUEST_BYTES,
    largeBytes: 16 * LARGE,
  });
  const app = new Hono();
  let goOn = Promise.withResolvers<void>();
  app.onError(answerError);
  app.use(bodies.hold);
  app.put("/:maxBytes", async (c) => {
    const { length } = await bodies.read(c, Number(c.req.param("maxBytes")));
    await goOn.promise;
    return c.json(length);
  });
  const send = (maxBytes: number) => (from: string, body: BodyInit) => {
    const init = { method: "PUT", body, headers: { from }, duplex: "half" };
    return app.request(`/${maxBytes}`, init as RequestInit);
  };
  return {
    patch: send(LARGE),
    request: send(MAX_REQUEST_BYTES),
    answer: () => goOn.resolve(),
    hold() {
      goOn = Promise.withResolvers<void>();
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
