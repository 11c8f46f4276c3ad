import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../core/crypto/signature.ts";
import { encodeCanonical } from "../core/protocol/canonical-json.ts";
import { CHUNK_BYTES, SIGNATURE_HEADER } from "../core/protocol/limits.ts";
import { routes } from "../core/protocol/routes.ts";
import { signRequest } from "../core/protocol/signed-request.ts";
import { judgedRow, type Row } from "./figures.ts";
import type { BenchOptions } from "./options.ts";
import { forSeconds, load, requestOf, type Timings } from "./relay/load.ts";
import { startNginx } from "./relay/nginx.ts";
import { createSigners, patchRequests, type Signer, writeTickets } from "./relay/patches.ts";
import { type Running, startRunning } from "./relay/running.ts";
import { writeVersions } from "./relay/versions.ts";

const CONNECTIONS = 32;
const CONTRIBUTORS = 1000;
const REQUESTS = 200; // for work

/**
 * A relay in a process of its own and its clients in this one, on the same cores: contributions that are answered once they are
 * on the disk, tickets, reads, blobs beside nginx, idle streams of events, starts. The models are paused while
 * contributions come, so that judging takes no part.
 */
export async function measure({ seed, quick }: BenchOptions): Promise<Row[]> {
  const dataDir = await mkdtemp(join(tmpdir(), "commonweight-bench-"));
  try {
    await (await startRunning(dataDir)).stop(); // imports
    const signers = await createSigners(CONTRIBUTORS);
    const rows: Row[] = [];
    rows.push(
      ...(await measureContributions(dataDir, signers, "digits", seed, quick ? 1500 : 6000)),
    );
    rows.push(...(await measureContributions(dataDir, signers, "large", seed, quick ? 300 : 1500)));
    const relay = await startRunning(dataDir);
    try {
      rows.push(...(await measureReads(relay, quick ? 1 : 4)));
      rows.push(...(await measureBlobs(relay, dataDir, quick ? 1 : 3)));
      rows.push(...(await measureStreams(relay, quick ? 2000 : 10_000)));
      rows.push(...(await measureTickets(relay, signers)));
    } finally {
      await relay.stop();
    }
    rows.push(...(await measureStarts(dataDir, quick ? 2 : 5)));
    return rows;
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function measureContributions(
  dataDir: string,
  signers: readonly Signer[],
  model: string,
  seed: number,
  count: number,
): Promise<Row[]> {
  const tickets = await writeTickets(join(dataDir, "ledger.db"), model, signers, 2 * count);
  const { requests, patchBytes } = await patchRequests(tickets, signers, seed);
  const relay = await startRunning(dataDir);
  try {
    await relay.manage("pause", model);
    const { port } = relay;
    const before = await relay.cpuMs();
    let at = 0;
    const first = () => (at < count ? (requests[at++] ?? null) : null);
    const whole = await load({ port, connections: CONNECTIONS, next: first });
    expectAll(whole, 201);
    const cpuMs = (await relay.cpuMs()) - before;
    const perSecond = whole.perSecond / 2;
    const half = await load({
      port,
      connections: CONNECTIONS,
      next: () => requests[at++] ?? null,
      perSecond,
    });
    expectAll(half, 201);
    await relay.manage("resume", model);
    const what = `contributions of ${(patchBytes / 1e3).toFixed(1)} kB`;
    const rate = { what: `${what}, on the disk`, value: whole.perSecond, unit: "1/s" };
    const tail = { what: `${what}, at half of that: 99th`, value: half.p99Ms, unit: "ms" };
    const isJudged = model === "digits";
    return [
      isJudged ? judgedRow(rate, ">=", 1000) : rate,
      { what: `${what}: the relay's processor time for one`, value: cpuMs / count, unit: "ms" },
      { what: `${what}, at that: median`, value: whole.p50Ms, unit: "ms" },
      { what: `${what}, at half of that: median`, value: half.p50Ms, unit: "ms" },
      isJudged ? judgedRow(tail, "<=", 50) : tail,
    ];
  } finally {
    await relay.stop();
  }
}

/** Of a model whose first reference is trained meanwhile, after as many requests to another have warmed the relay up. */
async function measureTickets(relay: Running, signers: readonly Signer[]): Promise<Row[]> {
  const { port } = relay;
  async function ask(model: string): Promise<Timings> {
    const path = routes.tickets(model);
    const requests: Buffer[] = [];
    for (const { keys, contributor } of signers.slice(0, REQUESTS)) {
      const request = { contributor, issuedAt: Date.now(), backend: "cpu", device: "bench" };
      const body = encodeCanonical(request);
      const signature = await signRequest(path, body, keys.privateKey);
      requests.push(requestOf("POST", path, { [SIGNATURE_HEADER]: signature }, body));
    }
    let at = 0;
    const next = () => requests[at++] ?? null;
    const timings = await load({ port, connections: CONNECTIONS, next });
    expectAll(timings, 200);
    return timings;
  }
  await ask("digits");
  const before = await relay.cpuMs();
  const { perSecond } = await ask("large");
  const eachMs = ((await relay.cpuMs()) - before) / REQUESTS;
  const what = "requests for work";
  return [
    judgedRow({ what, value: perSecond, unit: "1/s" }, ">=", 283),
    {
      what: `${what}: the relay's processor time for one, its training in it`,
      value: eachMs,
      unit: "ms",
    },
  ];
}

async function measureReads({ port }: Running, seconds: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [what, path] of [
    ["health", routes.health()],
    ["versions", routes.versions("digits")],
    ["a contributor's work", `${routes.contributions()}?contributor=${"0".repeat(64)}`],
    ["the leaderboard", `${routes.leaderboard()}?model=digits`],
    ["a checkpoint's plan", routes.checkpoint("digits", "0")],
  ] as const) {
    const request = requestOf("GET", path);
    const timings = await load({
      port,
      connections: CONNECTIONS,
      next: forSeconds(seconds, request),
    });
    expectAll(timings, 200);
    rows.push({ what: `reads of ${what}`, value: timings.perSecond, unit: "1/s" });
  }
  return rows;
}

async function measureBlobs({ port }: Running, dataDir: string, rounds: number): Promise<Row[]> {
  const bytes = new Uint8Array(randomBytes(CHUNK_BYTES));
  const id = await sha256(bytes);
  const folder = join(dataDir, "blobs");
  await mkdir(join(folder, id.slice(0, 2)), { recursive: true });
  await writeFile(join(folder, id.slice(0, 2), id), bytes);
  const nginx = await startNginx(folder, join(dataDir, "nginx"));
  const speeds = { own: [] as number[], nginx: [] as number[] };
  const run = async (at: number, path: string) => {
    const next = forSeconds(1.5, requestOf("GET", path));
    const timings = await load({ port: at, connections: 8, next });
    expectAll(timings, 200);
    return timings.bytes / timings.seconds / 1e6;
  };
  for (let round = 0; round < rounds; round++) {
    speeds.own.push(await run(port, routes.blob(id)));
    if (nginx !== null) speeds.nginx.push(await run(nginx.port, `/${id.slice(0, 2)}/${id}`));
  }
  await nginx?.stop();
  const own = median(speeds.own);
  const row = { what: "blobs of 1 MiB, 8 connections", value: own, unit: "MB/s" };
  if (nginx === null) return [row];
  const other = median(speeds.nginx);
  const share = { what: "blobs, beside nginx on the same file", value: own / other, unit: "×" };
  return [row, { ...judgedRow(share, ">=", 0.5), against: `nginx ${other.toFixed(0)} MB/s` }];
}

async function measureStreams(relay: Running, count: number): Promise<Row[]> {
  const request = requestOf("GET", `${routes.events()}?topics=health`, {
    "user-agent":
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36",
    ...{
      accept: "text/event-stream",
      "accept-language": "en-US,en;q=0.9",
      "sec-fetch-mode": "cors",
    },
  });
  const sockets: Socket[] = [];
  const open = async () => {
    const socket = connect(relay.port, "127.0.0.1");
    sockets.push(socket);
    socket.write(request);
    await once(socket, "data");
  };
  const openMany = async (most: number) => {
    while (sockets.length < most) await Promise.all(Array.from({ length: 50 }, open));
  };
  await openMany(500); // what the first ones take is taken once
  const before = await relay.rssBytes();
  await openMany(500 + count);
  const after = await relay.rssBytes();
  const eachKb = (after - before) / count / 1000;
  let heard = 0;
  const all = Promise.withResolvers<void>();
  for (const socket of sockets) {
    const hear = (data: Buffer) => {
      if (!data.includes("event: health")) return;
      socket.off("data", hear);
      heard += 1;
      if (heard === sockets.length) all.resolve();
    };
    socket.on("data", hear);
  }
  const told = performance.now();
  await relay.manage("pause", "digits");
  await all.promise;
  const tookMs = performance.now() - told;
  for (const socket of sockets) socket.destroy();
  await relay.manage("resume", "digits");
  return [
    judgedRow(
      { what: `an idle stream of events, of ${count}`, value: eachKb, unit: "kB" },
      "<=",
      12,
    ),
    { what: `one event to ${sockets.length} streams`, value: tookMs, unit: "ms" },
  ];
}

/** Starts with so many versions of a model, most of which are copies of its first one. */
async function measureStarts(dataDir: string, rounds: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const versions of [1, 100, 10_000]) {
    writeVersions(join(dataDir, "ledger.db"), "digits", versions);
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const relay = await startRunning(dataDir);
      times.push(relay.startedMs);
      await relay.stop();
    }
    const what = `start with ${versions} version${versions === 1 ? "" : "s"}`;
    rows.push(judgedRow({ what, value: median(times), unit: "ms" }, "<=", 2500));
  }
  return rows;
}

function expectAll({ statuses }: Timings, status: number): void {
  if (statuses.size === 1 && statuses.has(status)) return;
  throw new Error(`answers other than ${status}: ${[...statuses].map((pair) => pair.join(" × "))}`);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
