import { BlockList, isIPv4, isIPv6 } from "node:net";
import { parseValue } from "../core/protocol/canonical-json.ts";
import { type IceServers, iceServers } from "../core/protocol/schemas/swarm.ts";
import type { Bucket } from "./content/bucket.ts";
import { StartError } from "./start-error.ts";

/** Every setting of the relay, each from the environment variable named beside it. */
export type Config = {
  /** PORT: where page, API and signalling are served; 0 takes any free one. */
  readonly port: number;
  /** HOST: the address to listen on; empty is every one. */
  readonly host: string;
  /** DATA_DIR: ledger, blobs, keys. */
  readonly dataDir: string;
  /** STORE: the PostgreSQL database that holds the ledger, a URL; empty is SQLite's file in DATA_DIR. */
  readonly store: string;
  /** CONTENT: the S3 bucket that holds all files, with the key of AWS_ACCESS_KEY_ID; null is DATA_DIR. */
  readonly content: Bucket | null;
  /** WEB_DIR: the built page. */
  readonly webDir: string;
  /** TRUST_PROXY: how many proxies in front add an address to X-Forwarded-For; 0 trusts none. */
  readonly trustProxy: number;
  /** BLOB_URL: prefix of every blob's address, when a cache or another host serves them. */
  readonly blobUrl: string;
  /** TICKET_HOURS: how long a ticket is good for. */
  readonly ticketHours: number;
  /** KEYFRAME_EVERY: versions from one whole checkpoint to the next. */
  readonly keyframeEvery: number;
  /** KEY_REQUESTS_PER_MINUTE: tickets, contributions, names and volunteers' requests for judging of one key. */
  readonly keyRequestsPerMinute: number;
  /** ADDRESS_REQUESTS_PER_MINUTE: requests of one network address that may change something. */
  readonly addressRequestsPerMinute: number;
  /** ADDRESS_READS_PER_MINUTE: what one network address may read; most answers cost 1, dear ones more. */
  readonly addressReadsPerMinute: number;
  /** ADDRESS_STREAMS: streams of events that one network address may have open. */
  readonly addressStreams: number;
  /** ICE_SERVERS: STUN servers that tell a volunteer's page its own address; without one, some homes cannot connect. */
  readonly iceServers: IceServers;
  /** ALERT_WEBHOOK: where the relay posts what needs a maintainer, a URL; empty is nowhere. */
  readonly alertWebhook: string;
};

/** What a person calls the place of the relay's files. */
export const placeName = ({ content, dataDir }: Config) =>
  content === null ? `the data folder ${dataDir}` : `the bucket ${content.url}`;

/** What a person reads who starts something on a disk that has no room. */
export const fullSentence = (dataDir: string) =>
  `The disk of the data folder ${dataDir} is full: make room on it, or choose another DATA_DIR.`;

type Environment = Readonly<Record<string, string | undefined>>;

/** The settings in `environment`, with defaults; a StartError names the first one that makes no sense. */
export function parseConfig(environment: Environment): Config {
  const integer = (name: string, fallback: number, least: number, most: number) => {
    const text = environment[name] ?? "";
    if (text === "") return fallback;
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new StartError(
      `${name} is "${text}", but must be a whole number from ${least} to ${most}.`,
    );
  };
  const text = (name: string, fallback: string) => environment[name] || fallback;

  const blobUrl = text("BLOB_URL", "/api/v1/blobs/");
  if (!/^(\/|https?:\/\/[^\s;,']+\/)/.test(blobUrl) || !blobUrl.endsWith("/")) {
    throw new StartError(
      `BLOB_URL is "${blobUrl}", but must be an address or a path that ends in "/".`,
    );
  }
  return {
    port: integer("PORT", 8787, 0, 65535),
    host: text("HOST", ""),
    dataDir: text("DATA_DIR", "./data"),
    store: parseStore(text("STORE", "")),
    content: parseContent(environment),
    webDir: text("WEB_DIR", "dist"),
    trustProxy: integer("TRUST_PROXY", 0, 0, 16),
    blobUrl,
    ticketHours: integer("TICKET_HOURS", 24, 1, 8760), // an outbox may wait for a day
    keyframeEvery: integer("KEYFRAME_EVERY", 16, 1, 10_000),
    keyRequestsPerMinute: integer("KEY_REQUESTS_PER_MINUTE", 60, 1, 1_000_000),
    addressRequestsPerMinute: integer("ADDRESS_REQUESTS_PER_MINUTE", 1200, 1, 1_000_000),
    addressReadsPerMinute: integer("ADDRESS_READS_PER_MINUTE", 30_000, 1, 100_000_000), // a school's, or one verifying at full speed
    addressStreams: integer("ADDRESS_STREAMS", 256, 1, 1_000_000), // a school's; each browser has one
    iceServers: parseIceServers(text("ICE_SERVERS", "[]")),
    alertWebhook: parseAlertWebhook(text("ALERT_WEBHOOK", "")),
  };
}

/** Not quoted where it makes no sense: there is a password in it perhaps. */
function parseStore(text: string): string {
  if (text === "" || (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text))) return text;
  throw new StartError(
    "STORE is not the address of a PostgreSQL database: leave it empty for SQLite, or give one such as postgres://relay@localhost/commonweight.",
  );
}

/** Addresses that nobody outside can listen on the way to. */
const PRIVATE = new BlockList();
for (const [net, bits] of [
  ["127.0.0.0", 8],
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["169.254.0.0", 16],
] as const) {
  PRIVATE.addSubnet(net, bits, "ipv4");
}
PRIVATE.addAddress("::1", "ipv6");
PRIVATE.addSubnet("fc00::", 7, "ipv6");
PRIVATE.addSubnet("fe80::", 10, "ipv6");

/** Whether the host is a private address, or a name without a dot, as a network gives it to its own machines. */
function isPrivate(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  if (isIPv4(host)) return PRIVATE.check(host, "ipv4");
  return isIPv6(host) ? PRIVATE.check(host, "ipv6") : !host.includes(".");
}

/** Not quoted where it makes no sense: who knows a webhook's path may post there. */
function parseAlertWebhook(text: string): string {
  if (text === "") return text;
  const url = URL.parse(text);
  const isPlain = url?.protocol === "http:" && isPrivate(url.hostname);
  const isAddress = url?.protocol === "https:" || isPlain;
  if (url !== null && isAddress && url.username === "" && url.password === "") return text;
  throw new StartError(
    "ALERT_WEBHOOK is not an address to post alerts to: give one such as https://example.org/alerts, without a user name; http is for private addresses alone.",
  );
}

/** By the names that S3's other programs read. A secret is never quoted. */
function parseContent(environment: Environment): Bucket | null {
  const text = environment.CONTENT ?? "";
  if (text === "") return null;
  const bucket = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/?$/.exec(text)?.[1];
  if (bucket === undefined) {
    throw new StartError(
      `CONTENT is "${text}", but must be a bucket such as s3://models, or empty for DATA_DIR.`,
    );
  }
  const { AWS_ACCESS_KEY_ID: keyId = "", AWS_SECRET_ACCESS_KEY: secret = "" } = environment;
  if (keyId === "" || secret === "") {
    throw new StartError(
      "CONTENT needs a key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to one that may read and write the bucket.",
    );
  }
  const region = environment.AWS_REGION || "us-east-1";
  const service = environment.AWS_ENDPOINT_URL_S3 || `https://s3.${region}.amazonaws.com`;
  if (!/^https?:\/\//.test(service) || !URL.canParse(service)) {
    throw new StartError(
      `AWS_ENDPOINT_URL_S3 is "${service}", but must be the address of an S3 service, such as https://s3.example.org.`,
    );
  }
  const url = `${service.replace(/\/+$/, "")}/${bucket}`;
  return { kind: "bucket", url, region, keyId, secret };
}

function parseIceServers(text: string): IceServers {
  try {
    return parseValue("ICE_SERVERS", iceServers, JSON.parse(text));
  } catch {
    throw new StartError(
      `ICE_SERVERS is "${text}", but must be a list such as [{"urls": "stun:stun.example.org:3478"}]; TURN servers are not used.`,
    );
  }
}
