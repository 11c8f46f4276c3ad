import { ServerResponse } from "node:http";
import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context, Next } from "hono";
import {
  MAX_PATCH_BYTES,
  MAX_PROPOSAL_BYTES,
  MAX_REQUEST_BYTES,
} from "../../core/protocol/limits.ts";
import type { RelayContext } from "../context.ts";
import { createNetworkCounter } from "../sites.ts";
import { type Bodies, createBodies } from "./body.ts";
import { connectionsAllowed } from "./descriptors.ts";
import { senderOf } from "./network-of.ts";
import { createNetworkRates, createRateLimit } from "./rate-limit.ts";
import { Refusal } from "./refusal.ts";
import { createReporter } from "./reporter.ts";

/** Refuses a key or an address that asks too often, and bodies that are too long or too many at once. */
export type Limits = {
  /** The network that a request comes from; null in one process. */
  network(c: Context): string | null;
  /** Before anything is read: what changes something, by the network address. */
  address(c: Context): void;
  /** Before anything is read: what only reads, by the network address and what it costs the relay. */
  reads(c: Context, cost: number): void;
  /** Middleware that bounds the answers that one network is being given at once. */
  inFlight(c: Context, next: Next): Promise<void>;
  /** Once its signature is verified: by the key. */
  key(contributor: string): void;
  /** A key or a network was let through by another relay. */
  spend(by: "key" | "network", name: string, cost: number): void;
  /** The body of a JSON request. */
  request(c: Context): Promise<Uint8Array<ArrayBuffer>>;
  /** What a maintainer, a judge or a juror uploads. */
  upload(c: Context, maxBytes: number): Promise<Uint8Array<ArrayBuffer>>;
  /** A patch; one whose ticket and signature were checked before has more room. */
  patch(c: Context, isAnnounced: boolean): Promise<Uint8Array<ArrayBuffer>>;
  /** A proposal's file, of which nothing is known before it is there. */
  proposal(c: Context): Promise<Uint8Array<ArrayBuffer>>;
  readonly hold: Bodies["hold"];
  /** Counts a stream of events in; returns how it is counted out. */
  stream(c: Context): () => void;
};

const ANSWERS_PER_NETWORK = 256; // at six a browser, forty that load at once; each may hold a file open and 128 KB
const STREAM_RETRY_SECONDS = "30";
const REPORT_MS = 60_000;

/** `onSpent` hears of each key or network that was let through. */
export function createLimits(
  { config, clock }: Pick<RelayContext, "config" | "clock">,
  onSpent: (by: "key" | "network", name: string) => void,
): Limits {
  const networkOf = createAskers(config.trustProxy);
  const { read, hold } = createBodies(networkOf, clock);
  const mostStreams = connectionsAllowed();
  const streamsOf = createNetworkCounter(config.addressStreams);
  const reportStreams = createReporter(clock, REPORT_MS);
  let streams = 0;
  const addresses = createNetworkRates(config.addressRequestsPerMinute);
  const readers = createNetworkRates(config.addressReadsPerMinute);
  const answers = createNetworkCounter(ANSWERS_PER_NETWORK);
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
    network: (c) => (isInProcess(c) ? null : networkOf(c)),
    address(c) {
      const network = networkOf(c);
      refuseIf(addresses.take(network, clock()), "network address");
      onSpent("network", network);
    },
    reads: (c, cost) => refuseIf(readers.take(networkOf(c), clock(), cost), "network address"),
    async inFlight(c, next) {
      const outgoing: unknown = c.env?.outgoing;
      if (!(outgoing instanceof ServerResponse)) return next(); // asked from within
      const network = networkOf(c);
      if (!answers.add(network)) {
        const headers = { "retry-after": "1" };
        throw new Refusal("unavailable", "too many answers to this network at once: wait", headers);
      }
      outgoing.once("close", () => answers.remove(network));
      await next();
    },
    key(contributor) {
      refuseIf(keys.take(contributor, clock()), "key");
      onSpent("key", contributor);
    },
    spend: (by, name, cost) => (by === "key" ? keys : addresses).spend(name, clock(), cost),
    request: (c) => read(c, { maxBytes: MAX_REQUEST_BYTES, room: "requests" }),
    upload: (c, maxBytes) => read(c, { maxBytes, room: "announced" }),
    patch: (c, isAnnounced) =>
      read(c, { maxBytes: MAX_PATCH_BYTES, room: isAnnounced ? "announced" : "strangers" }),
    proposal: (c) => read(c, { maxBytes: MAX_PROPOSAL_BYTES, room: "strangers" }),
    hold,
    stream(c) {
      const network = networkOf(c);
      const isRoom = streams < mostStreams;
      if (isRoom && streamsOf.add(network)) {
        streams += 1;
        let isIn = true;
        return () => {
          if (!isIn) return;
          isIn = false;
          streams -= 1;
          streamsOf.remove(network);
        };
      }
      const reason = isRoom
        ? `${network} has all the streams of events that it may have`
        : `${streams} streams of events are open`;
      reportStreams(`A reader of events was turned away: ${reason}.`);
      const headers = { "retry-after": STREAM_RETRY_SECONDS };
      throw new Refusal("rate-limited", "too many streams of events are open: wait", headers);
    },
  };
}

/** Whether a request came without the network, as from tests in the same process. */
function isInProcess(c: Context): boolean {
  return c.env?.incoming === undefined;
}

/** Tells where a request comes from, and once in the log that a proxy's word for it is not trusted. */
function createAskers(trustedProxies: number): (c: Context) => string {
  let told = trustedProxies > 0;
  return (c) => {
    const forwarded = c.req.header("x-forwarded-for");
    if (forwarded !== undefined && !told) {
      told = true;
      console.warn(
        "A proxy says for whom it asks (x-forwarded-for), and TRUST_PROXY is 0: all its users share one limit. Set TRUST_PROXY to the number of proxies in front of this relay.",
      );
    }
    const socket = isInProcess(c) ? undefined : getConnInfo(c).remote.address;
    return senderOf({ forwarded, socket }, trustedProxies);
  };
}
