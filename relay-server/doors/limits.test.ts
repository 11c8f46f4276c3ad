import { Hono } from "hono";
import { expect, test } from "vitest";
import { MAX_PATCH_BYTES } from "../../core/protocol/limits.ts";
import { parseConfig } from "../config.ts";
import { createLimits } from "./limits.ts";
import { answerError } from "./refusal.ts";

test("H4: all addresses of an IPv6 network are one, IPv4 addresses are each their own", async () => {
  const config = parseConfig({ ADDRESS_REQUESTS_PER_MINUTE: "1", TRUST_PROXY: "1" });
  const limits = createLimits({ config, clock: () => 0 }, () => {});
  const app = new Hono();
  app.onError(answerError);
  app.get("/", (c) => {
    limits.address(c);
    return c.text("");
  });
  const ask = async (address: string) =>
    (await app.request("/", { headers: { "x-forwarded-for": address } })).status;
  expect(await ask("2001:db8::1")).toBe(200);
  expect(await ask("2001:db8::2")).toBe(429);
  expect(await ask("2001:db8:0:1::1")).toBe(200);
  expect(await ask("192.0.2.1")).toBe(200);
  expect(await ask("192.0.2.2")).toBe(200);
});

test("H4: a site of neighbouring IPv6 networks has what four of them have", async () => {
  const config = parseConfig({ ADDRESS_REQUESTS_PER_MINUTE: "1", TRUST_PROXY: "1" });
  const limits = createLimits({ config, clock: () => 0 }, () => {});
  const app = new Hono();
  app.onError(answerError);
  app.get("/", (c) => {
    limits.address(c);
    return c.text("");
  });
  const ask = async (address: string) =>
    (await app.request("/", { headers: { "x-forwarded-for": address } })).status;
  for (const n of [1, 2, 3, 4]) expect(await ask(`2001:db8:5:${n}::1`)).toBe(200);
  expect(await ask("2001:db8:5:5::1")).toBe(429);
  expect(await ask("2001:db8:6:1::1")).toBe(200);
});

test("H2: 72 uploads that stall from eight neighbouring networks leave others half of the room, at once", async () => {
  const limits = createLimits(
    { config: parseConfig({ TRUST_PROXY: "1" }), clock: () => 0 },
    () => {},
  );
  const app = new Hono();
  app.onError(answerError);
  app.use(limits.hold);
  app.put("/", async (c) => {
    await limits.patch(c, true);
    return c.text("");
  });
  const put = (address: string, body: BodyInit) => {
    const init = { method: "PUT", body, headers: { "x-forwarded-for": address }, duplex: "half" };
    return app.request("/", init as RequestInit);
  };
  const patch = new Uint8Array(MAX_PATCH_BYTES);
  const start = (controller: ReadableStreamDefaultController) =>
    controller.enqueue(patch.subarray(1));
  for (let n = 0; n < 72; n++) {
    void put(`2001:db8:5:${n % 8}::1`, new ReadableStream({ start })); // the last byte never comes
  }
  expect((await put("2001:db8:5:9::1", patch)).status).toBe(503);
  for (const address of ["192.0.2.1", "2001:db8:6::1"]) {
    expect((await put(address, patch)).status).toBe(200);
  }
});

test("H2: a network that stalls with eight of the largest patches is refused more, another is not", async () => {
  const limits = createLimits(
    { config: parseConfig({ TRUST_PROXY: "1" }), clock: () => 0 },
    () => {},
  );
  const app = new Hono();
  app.onError(answerError);
  app.use(limits.hold);
  app.put("/", async (c) => {
    await limits.patch(c, true);
    return c.text("");
  });
  const patch = new Uint8Array(MAX_PATCH_BYTES);
  const put = (address: string, body: BodyInit) => {
    const init = { method: "PUT", body, headers: { "x-forwarded-for": address }, duplex: "half" };
    return app.request("/", init as RequestInit);
  };
  for (let n = 0; n < 8; n++) {
    const stalled = new ReadableStream({ start: (controller) => controller.enqueue(patch) });
    void put(`2001:db8::${n}`, stalled);
  }
  expect((await put("2001:db8::9", "1")).status).toBe(503);
  expect((await put("192.0.2.1", patch)).status).toBe(200);
});
