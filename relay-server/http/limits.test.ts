import { Hono } from "hono";
import { expect, test } from "vitest";
import { parseConfig } from "../config.ts";
import { createLimits } from "./limits.ts";
import { answerError } from "./refusal.ts";

test("H4: all addresses of an IPv6 network are one, IPv4 addresses are each their own", async () => {
  const config = parseConfig({ ADDRESS_REQUESTS_PER_MINUTE: "1", TRUST_PROXY: "1" });
  const limits = createLimits({ config, clock: () => 0 });
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
