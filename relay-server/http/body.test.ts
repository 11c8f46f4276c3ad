import { Hono } from "hono";
import { expect, test } from "vitest";
import { FormatError } from "../../core/errors.ts";
import { createBodies } from "./body.ts";
import { answerError } from "./refusal.ts";

/** A relay that takes bodies of up to 6 bytes, 10 at once, and answers each with its length once it may. */
function createTaker() {
  const bodies = createBodies(10);
  const app = new Hono();
  let goOn = Promise.withResolvers<void>();
  app.onError(answerError);
  app.use(bodies.hold);
  app.put("/", async (c) => {
    const { length } = await bodies.read(c, 6);
    await goOn.promise;
    return c.json(length);
  });
  return {
    put: (body: BodyInit) =>
      app.request("/", { method: "PUT", body, duplex: "half" } as RequestInit),
    answer: () => goOn.resolve(),
    hold() {
      goOn = Promise.withResolvers<void>();
    },
  };
}

test("H2: what all requests have sent is bounded until they are answered", async () => {
  const taker = createTaker();
  const first = taker.put("12345");
  const second = taker.put("12345");
  const late = await taker.put("1");
  expect([late.status, late.headers.get("retry-after")]).toEqual([503, "5"]);
  expect(await late.json()).toMatchObject({ error: { code: "unavailable" } });
  taker.answer();
  expect((await first).status).toBe(200);
  expect((await second).status).toBe(200);
  expect((await taker.put("123456")).status).toBe(200);
});

test("H2: a body that is refused or breaks off leaves its room", async () => {
  const taker = createTaker();
  taker.answer();
  const broken = () =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(5));
      },
      pull(controller) {
        controller.error(new FormatError("gone"));
      },
    });
  for (const body of ["1234567", broken(), "1234567", broken(), broken()]) await taker.put(body);
  taker.hold();
  const whole = taker.put("123456");
  taker.answer();
  expect(await (await whole).json()).toBe(6);
});
