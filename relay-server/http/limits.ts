import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";
import type { RelayContext } from "../context.ts";
import { networkOf } from "../network-of.ts";
import type { Bodies } from "./body.ts";
import { createRateLimit } from "./rate-limit.ts";
import { Refusal } from "./refusal.ts";

/** Refuses a key or an address that asks too often, and bodies that are too long. */
export type Limits = {
  /** Before the body is read: by the network address. */
  address(c: Context): void;
  /** Once its signature is verified: by the key. */
  key(contributor: string): void;
  readonly body: Bodies["read"];
};

export function createLimits(
  { config, clock }: Pick<RelayContext, "config" | "clock">,
  body: Bodies["read"],
): Limits {
  const addresses = createRateLimit(config.addressRequestsPerMinute);
  const keys = createRateLimit(config.keyRequestsPerMinute);
  const refuseIf = (seconds: number, who: string) => {
    if (seconds === 0) return;
    const headers = { "retry-after": String(seconds) };
    throw new Refusal(
      "rate-limited",
      `too many requests from this ${who}: wait ${seconds} s`,
      headers,
    );
  };
  return {
    address: (c) =>
      refuseIf(
        addresses.take(networkOf(addressOf(c, config.trustProxy)), clock()),
        "network address",
      ),
    key: (contributor) => refuseIf(keys.take(contributor, clock()), "key"),
    body,
  };
}

/** Where a request comes from: the last hop that the proxy in front saw, or the socket. */
function addressOf(c: Context, trustProxy: boolean): string {
  const forwarded = c.req.header("x-forwarded-for")?.split(",").at(-1)?.trim();
  if (trustProxy && forwarded !== undefined) return forwarded;
  if (c.env?.incoming === undefined) return "in process";
  return getConnInfo(c).remote.address ?? "unknown";
}
