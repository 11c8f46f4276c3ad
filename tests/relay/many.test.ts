/** Several relays on one PostgreSQL database and one data folder: each takes work and tells events, one publishes. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Contribution } from "../../core/protocol/schemas/contribution.ts";
import { openPostgres } from "../../relay-server/store/postgres/postgres.ts";
import { eventually } from "../fixtures/eventually.ts";
import { type KillableRelay, killAll, startKillable } from "../fixtures/killable-relay.ts";
import { hasPostgres, startPostgres, type TestPostgres } from "../fixtures/postgres.ts";
import { connectPeer, type SignallingPeer } from "../fixtures/signalling-peer.ts";
import { tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 300_000 }); // several processes a test
if (!hasPostgres) console.warn("PostgreSQL is not installed: nothing of this file is tried.");

type Client = KillableRelay["client"];

const changes = {
  merge: { ...tinyRecipe.merge, cohortSize: 1, stalenessLimit: 100 },
  gate: { ...tinyRecipe.gate, marginNats: 2 },
};

describe.runIf(hasPostgres)("relays that share a ledger", () => {
  let server: TestPostgres;
  let dataDir: string;
  beforeAll(async () => {
    server = await startPostgres();
  }, 60_000);
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "commonweight-many-"));
    const db = openPostgres(server.url());
    await sql`drop schema public cascade`.execute(db);
    await sql`create schema public`.execute(db);
    await db.destroy();
  });
  afterEach(async () => {
    await killAll();
    await rm(dataDir, { recursive: true, force: true });
  });
  afterAll(() => server.remove());

  const start = (options: { killAfter?: string; signal?: NodeJS.Signals } = {}) =>
    startKillable(dataDir, { changes, settings: { STORE: server.url() }, ...options });

  test("H44: relays that start at once are one relay, work goes in and events come out at each, also after the database was away", async () => {
    const [one, two] = await Promise.all([start(), start()]);
    const keys = await Promise.all([one, two].map(({ client }) => client.health()));
    expect(keys[0]!.relayKey).toBe(keys[1]!.relayKey);
    const events = [listenTo(one.url), listenTo(two.url)];
    const first = await handIn(one.client, two.client); // asked of one, sent to the other
    const second = await handIn(two.client, one.client);
    for (const id of [first, second]) expect((await decided(one.client, id)).state).toBe("merged");
    await allHear(events, one.client);
    expect(await two.client.blob(first)).toEqual(await one.client.blob(first));

    await server.kill();
    await server.restart();
    const third = await handIn(two.client, two.client);
    expect((await decided(one.client, third)).state).toBe("merged");
    await allHear(events, two.client);
    for (const { close } of events) close();
    expect(await inputsOf(one.client)).toEqual(await inputsOf(two.client));
    expect((await inputsOf(one.client)).sort()).toEqual([first, second, third].sort());
  });

  test("W7: each relay names its own peers only, and takes nothing from a peer of the other", async () => {
    const [one, two] = await Promise.all([start(), start()]);
    const portOf = ({ url }: KillableRelay) => Number(new URL(url).port);
    const [ada, bob, eve, dan] = await Promise.all([
      connectPeer(portOf(one), "ada"),
      connectPeer(portOf(one), "bob"),
      connectPeer(portOf(two), "eve"),
      connectPeer(portOf(two), "dan"),
    ]);
    const ask = ({ client }: KillableRelay, { peer, token }: SignallingPeer, have: string) =>
      client.holders("tiny", { peer, token, list: "shards", have });
    await Promise.all([ask(one, ada, "80"), ask(two, eve, "80")]); // the first shard
    expect((await ask(one, bob, "")).holders).toEqual([{ peer: ada.peer, have: "80" }]);
    expect((await ask(two, dan, "")).holders).toEqual([{ peer: eve.peer, have: "80" }]);
    await expect(ask(two, ada, "80")).rejects.toMatchObject({ code: "peer-unknown" });
    for (const { socket } of [ada, bob, eve, dan]) socket.close();
  });

  test("H41: a publisher that is killed in mid-merge is followed by another, nothing lost and nothing twice", async () => {
    const publisher = await start({ killAfter: "blobs.put#10" }); // manifest and step are there, the version is not
    const other = await start();
    const id = await handIn(other.client, publisher.client);
    expect((await decided(other.client, id)).version).toBe(1);
    expect(publisher.child.signalCode).toBe("SIGKILL");
    expect(await inputsOf(other.client)).toEqual([id]);
    expect((await other.client.blob(id)).length).toBeGreaterThan(0);
  });

  test("H41: a publisher that slept past its lease is refused by its fence, and goes on as one that does not publish", async () => {
    const killAfter = "history.recordGateTests#1"; // it has found what it would publish
    const sleeper = await start({ killAfter, signal: "SIGSTOP" });
    const other = await start();
    const id = await handIn(other.client, other.client);
    expect((await decided(other.client, id)).version).toBe(1);
    sleeper.child.kill("SIGCONT");
    const next = await handIn(sleeper.client, sleeper.client);
    expect((await decided(sleeper.client, next)).version).toBe(2);
    expect(await inputsOf(sleeper.client)).toEqual([id, next]);
    expect((await sleeper.client.health()).status).toBe("ok");
  });
});

/** Ask one relay for work and send what became of it to another; returns its id. */
async function handIn(asked: Client, sent: Client): Promise<string> {
  const volunteer = await createVolunteer(asked, tinyRecipe);
  const { id, bytes, signature } = await contribute(volunteer, Date.now());
  await untilAnswered(() => sent.putContribution(id, bytes, signature));
  return id;
}

/** What a volunteer's engine does about a relay that cannot answer just now. */
async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Error && "action" in error && error.action === "retry")) throw error;
      await pause(100);
    }
  }
}

async function decided(client: Client, id: string): Promise<Contribution> {
  for (;;) {
    const life = await untilAnswered(() => client.contribution(id));
    if (life.state === "merged" || life.state === "refused") return life;
    await pause(50);
  }
}

/** Every merge input of the history, in its order. */
async function inputsOf(client: Client): Promise<string[]> {
  const { head } = await client.model("tiny");
  const inputs: string[] = [];
  for (let number = 1; number <= head.number; number++) {
    const { record } = await client.version("tiny", number);
    inputs.push(...(record.merge?.inputs ?? []).map(({ contribution }) => contribution));
  }
  return inputs;
}

/** Wait until each reader has heard of every version there is, each once. */
async function allHear(events: readonly { readonly heard: number[] }[], client: Client) {
  const { head } = await client.model("tiny");
  const all = Array.from({ length: head.number }, (_, i) => i + 1);
  for (const { heard } of events) await eventually(() => expect(heard).toEqual(all));
}

/** The numbers of the versions that a relay's events tell of from now on. */
function listenTo(url: string): { readonly heard: number[]; close(): void } {
  const heard: number[] = [];
  const closing = new AbortController();
  async function listen(): Promise<void> {
    const { signal } = closing;
    const answer = await fetch(`${url}/api/v1/events?topics=version`, { signal });
    const lines = answer.body!.pipeThrough(new TextDecoderStream());
    let text = "";
    for await (const part of lines) {
      text += part;
      const numbers = [...text.matchAll(/^event: version\ndata: .*?"number":(\d+)/gm)];
      heard.splice(0, heard.length, ...numbers.map(([, number]) => Number(number)));
    }
  }
  listen().catch((error: unknown) => {
    if (!closing.signal.aborted) throw error;
  });
  return { heard, close: () => closing.abort() };
}
