import type { Kysely } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { generateKeyPair, publicKeyHex } from "../../core/crypto/signature.ts";
import { layoutOf } from "../../core/models/registry.ts";
import type { TicketAnswer } from "../../core/protocol/schemas/ticket.ts";
import { deriveReleaseKey } from "../../export/release/release-key.ts";
import {
  bytes,
  contribution,
  filled,
  id,
  STALE_AFTER,
  takeOver,
  version,
} from "../../tests/fixtures/ledger-rows.ts";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { parseConfig } from "../config.ts";
import { createDamage } from "../content/damage.ts";
import { createJudgingPace, type JudgingPace } from "../judging/judging-pace.ts";
import { createRests } from "../merging/rests.ts";
import { openSqlite } from "../store/sqlite/sqlite.ts";
import type { Ledger } from "../store/store.ts";
import type { Tables } from "../store/tables.ts";
import { createQueue, type Queue } from "./queue.ts";
import { createStock } from "./stock.ts";
import { issueTicket, standingOf } from "./tickets.ts";

const MINUTE_MS = 60_000;
const MASK = JSON.stringify({ kind: "random", seed: "0".repeat(32), count: 5 });
const START_MS = 1_000 * MINUTE_MS; // the ledger's own three tickets are long out of date

let db: Kysely<Tables>;
let ledger: Ledger;
let pace: JudgingPace;
let now: number;
/** Shards' files that are damaged. */
let lost: Set<string>;
let queue: Queue;
let ask: (contributor?: string, network?: string | null) => Promise<TicketAnswer>;

beforeEach(async () => {
  db = openSqlite(":memory:");
  ledger = await filled(db);
  await db.updateTable("versions").set({ mask: MASK }).execute();
  pace = createJudgingPace();
  queue = createQueue({ ...ledger, pace, onAsker() {} }, () => now);
  now = START_MS;
  lost = new Set();
  const keys = await generateKeyPair(true);
  const context = {
    config: parseConfig({}),
    clock: () => now,
    random: (size: number) => crypto.getRandomValues(new Uint8Array(size)),
    ...ledger,
    identity: {
      publicKey: await publicKeyHex(keys),
      privateKey: keys.privateKey,
      releaseKey: deriveReleaseKey(new Uint8Array(48)),
    },
    models: new Map([
      ["tiny", { recipe: tinyRecipe, recipeText: "", layout: layoutOf(tinyRecipe.architecture) }],
    ]),
    queue,
    stock: createStock(ledger.history, () => now),
    rests: createRests(ledger.contributions, () => now),
    damage: createDamage({ verify: async (sha) => (lost.has(sha) ? null : new Uint8Array(1)) }),
  };
  ask = async (contributor = id(7), network = null) =>
    issueTicket(context, (await standingOf(context, "tiny", contributor))!, {
      contributor,
      network,
    });
});
afterEach(() => db.destroy());

test("a damaged shard is not handed out, and where none is sound there is no work", async () => {
  lost.add(id(0)); // its file's hash
  for (let i = 0; i < 3; i++) {
    const answer = await ask();
    expect(answer.work && answer.ticket.shards.map(({ sha256 }) => sha256)).toEqual([id(1)]);
  }
  now += 60 * MINUTE_MS;
  lost.add(id(1));
  const answer = await ask(id(8)); // the one that was sound when it was read is not read each time
  expect(answer.work).toBe(true);
});

/** One piece of the key's passes judging: its tickets then count up to four. */
async function deliver(contributor = id(7)): Promise<void> {
  const answer = await ask(contributor);
  if (!answer.work) throw new Error(answer.message);
  const row = { ...contribution(900), ticket: answer.ticket.id, contributor };
  await ledger.contributions.enter(row, bytes, STALE_AFTER);
  await ledger.contributions.passScreen(row.id, 5, now);
  await ledger.contributions.queue(row.id, now);
}

/** Ask until there is no work; returns the tickets' ids and the answer that says no. */
async function askUntilFull() {
  const tickets: string[] = [];
  for (;;) {
    const answer = await ask();
    if (!answer.work) return { tickets, answer };
    tickets.push(answer.ticket.id);
  }
}

/** A cohort's worth of work on version 0 comes to nothing. */
async function workInVain(): Promise<void> {
  for (let i = 0; i < tinyRecipe.merge.cohortSize; i++) {
    const answer = await ask(id(20 + i)); // a key's tickets count once before it has delivered
    if (!answer.work) throw new Error(answer.message);
    const row = {
      ...contribution(0),
      id: answer.ticket.id.repeat(2),
      values_hash: answer.ticket.id,
    };
    const entered = { ...row, ticket: answer.ticket.id, contributor: id(20 + i) };
    await ledger.contributions.enter(entered, bytes, STALE_AFTER);
    await ledger.contributions.refuseWaiting([entered.id], { code: "no-gain", message: "" }, now);
  }
  now += 1000; // what is known of it is a second old at most
}

test("H27: where a cohort came to nothing nobody gets work for a minute, and hears why", async () => {
  await workInVain();
  const answer = await ask(id(9));
  expect(answer).toMatchObject({ work: false, reason: "no-gain", retryAfterSeconds: 59 });
  expect(answer.work || answer.message).toBe(
    "The last 3 pieces on version 0 could not make it better, though nothing was wrong with them. The model rests, and tries again in a minute.",
  );
});

test("H27: after the rest a cohort tries again, and no more than that; then the rest is twice as long", async () => {
  await workInVain();
  now += MINUTE_MS;
  for (let i = 0; i < tinyRecipe.merge.cohortSize; i++)
    expect((await ask(id(30 + i))).work).toBe(true);
  const answer = await ask(id(40));
  expect(answer).toMatchObject({ work: false, reason: "no-gain", retryAfterSeconds: 60 });
  expect(answer.work || answer.message).toContain("try again just now");
  now += 10 * MINUTE_MS; // those that are out are waited for no longer
  await workInVain();
  expect(await ask(id(9))).toMatchObject({ reason: "no-gain", retryAfterSeconds: 119 });
});

test("H27: a new version gives out work at once", async () => {
  await workInVain();
  const fence = await takeOver(ledger);
  await ledger.history.publish({
    version: { ...version(1), mask: MASK },
    fence,
    inputs: [],
    events: [],
  });
  expect((await ask(id(9))).work).toBe(true);
});

test("H5: as many tickets are out as can be judged within two minutes", async () => {
  await deliver();
  pace.note("tiny", "alone", 30);
  const { tickets, answer } = await askUntilFull();
  expect(tickets).toHaveLength(4);
  expect(answer).toMatchObject({ reason: "queue-full", retryAfterSeconds: 5 });
});

test("H5: what comes back still counts until it is judged, then the next may come", async () => {
  await deliver();
  pace.note("tiny", "alone", 60);
  const { tickets } = await askUntilFull();
  const row = { ...contribution(1), ticket: tickets[0]! };
  await ledger.contributions.enter(row, bytes, STALE_AFTER);
  expect((await ask()).work).toBe(false);
  await ledger.contributions.passScreen(row.id, 5, now);
  expect((await ask()).work).toBe(false);
  await ledger.contributions.passScore(row.id, 0, now);
  await ledger.contributions.queue(row.id, now);
  expect((await ask()).work).toBe(true);
  expect((await ask()).work).toBe(false);
});

test("H5: tickets that did not come back within ten minutes hold nobody up", async () => {
  pace.note("tiny", "alone", 120);
  expect((await ask()).work).toBe(true);
  now += 9 * MINUTE_MS;
  expect((await ask()).work).toBe(false);
  now += MINUTE_MS;
  expect((await ask()).work).toBe(true);
});

test("H5: the longer the queue, the later one asks again, within bounds", async () => {
  await deliver();
  for (let i = 0; i < 4; i++) await ask();
  const retryAt = async (seconds: number) => {
    pace = Object.assign(pace, createJudgingPace());
    pace.note("tiny", "alone", seconds);
    const answer = await ask();
    return answer.work ? 0 : answer.retryAfterSeconds;
  };
  expect(await retryAt(30)).toBe(5);
  expect(await retryAt(40)).toBe(40);
  expect(await retryAt(1000)).toBe(300);
});

test("H5: who leaves an hour's tickets unused gets no more, until they come back or the hour is over", async () => {
  const { tickets, answer } = await askUntilFull();
  expect(tickets).toHaveLength(32);
  expect(answer).toMatchObject({ reason: "queue-full", retryAfterSeconds: 300 });
  await ledger.contributions.enter({ ...contribution(1), ticket: tickets[9]! }, bytes, STALE_AFTER);
  expect((await ask()).work).toBe(true);
  expect((await ask()).work).toBe(false);
  now += 59 * MINUTE_MS;
  expect(await ask()).toMatchObject({ work: false, retryAfterSeconds: 60 });
  now += MINUTE_MS;
  expect((await ask()).work).toBe(true);
});

test("H5: a ticket whose work was refused is not unused, and holds its place in the queue like one that is out", async () => {
  await deliver();
  const { tickets } = await askUntilFull();
  await ledger.tickets.spendTicket(tickets[9]!);
  expect((await ask()).work).toBe(true);
  expect((await ask()).work).toBe(false);
  for (const spent of tickets) await ledger.tickets.spendTicket(spent);
  pace.note("tiny", "alone", 30); // for the four of a key that count
  expect(await ask(id(8))).toMatchObject({ work: false, reason: "queue-full" });
  now += 10 * MINUTE_MS;
  expect((await ask(id(8))).work).toBe(true);
});

test("H5: who has sixty-four pieces refused within an hour gets no more until it is over", async () => {
  for (let i = 0; i < 64; i++) {
    const answer = await ask();
    if (answer.work) await ledger.tickets.spendTicket(answer.ticket.id);
  }
  const answer = await ask();
  expect(answer).toMatchObject({ reason: "queue-full", retryAfterSeconds: 300 });
  expect(answer).toMatchObject({ message: expect.stringContaining("64 pieces were refused") });
  now += 60 * MINUTE_MS;
  expect((await ask()).work).toBe(true);
});

test("H5: what other keys leave unused is not counted", async () => {
  await askUntilFull();
  expect((await ask(id(8))).work).toBe(true);
});

test("H5: where work comes faster than it can be judged, tickets grow rare, no piece waits longer, and the relay is never idle", async () => {
  const JUDGED_EVERY_MS = 4000;
  const TRAINED_IN_MS = 20_000; // 100 volunteers could do 20 times as much as is judged
  pace.note("tiny", "alone", JUDGED_EVERY_MS / 1000);
  const volunteers = Array.from({ length: 100 }, (_, i) => ({ key: id(100 + i), askAt: now }));
  const inWork: { readonly ticket: string; readonly key: string; readonly doneAt: number }[] = [];
  const arrived: { readonly id: string; readonly at: number }[] = [];
  const ages: number[] = [];
  let handedIn = 0;
  for (const endsAt = now + 20 * MINUTE_MS; now < endsAt; now += JUDGED_EVERY_MS) {
    for (const volunteer of volunteers.filter(({ askAt }) => askAt <= now)) {
      const answer = await ask(volunteer.key);
      if (answer.work) {
        inWork.push({ ticket: answer.ticket.id, key: volunteer.key, doneAt: now + TRAINED_IN_MS });
      }
      volunteer.askAt = now + (answer.work ? TRAINED_IN_MS : 1000 * answer.retryAfterSeconds);
    }
    while (inWork[0] !== undefined && inWork[0].doneAt <= now) {
      const { ticket, key } = inWork.shift()!;
      const row = {
        ...contribution(1000 + handedIn++),
        ticket,
        contributor: key,
        received_at: now,
      };
      await ledger.contributions.enter(row, bytes, STALE_AFTER);
      arrived.push({ id: row.id, at: now });
    }
    const next = arrived.shift(); // one is judged
    if (next === undefined) continue;
    ages.push(now - next.at);
    await ledger.contributions.passScreen(next.id, 5, now);
    await ledger.contributions.queue(next.id, now);
  }
  expect(Math.max(...ages)).toBeLessThanOrEqual(2 * MINUTE_MS);
  expect(ages.length).toBeGreaterThan(0.95 * ((20 * MINUTE_MS) / JUDGED_EVERY_MS));
}, 30_000); // thousands of requests

test("H5: idle tickets of one network's fresh keys keep no newcomer elsewhere from work, and Health says who was sent away", async () => {
  pace.note("tiny", "alone", 0.5); // room for 240
  for (let key = 0; key < 60; key++) {
    for (let i = 0; i < 4; i++) await ask(id(100 + key), "203.0.113.7");
  }
  expect((await ask(id(8), "198.51.100.1")).work).toBe(true);
  expect(queue.turnedAway("tiny")).toBe(0);
});

test("H5: two keys with idle tickets do not stop a model whose judging is slow", async () => {
  pace.note("tiny", "alone", 16); // room for seven
  for (let i = 0; i < 5; i++) for (const key of [100, 101]) await ask(id(key), "203.0.113.7");
  expect((await ask(id(8), "198.51.100.1")).work).toBe(true);
});

test("H5: a network with an eighth of the queue gets no more once half of it is taken; others do", async () => {
  await deliver();
  pace.note("tiny", "alone", 30); // room for four, two of them a network's
  expect((await ask(id(7), "203.0.113.7")).work).toBe(true);
  expect((await ask(id(7), "203.0.113.7")).work).toBe(true);
  const answer = await ask(id(9), "203.0.113.7");
  expect(answer).toMatchObject({ work: false, reason: "queue-full", retryAfterSeconds: 5 });
  expect(answer).toMatchObject({ message: expect.stringContaining("on this network") });
  expect(queue.turnedAway("tiny")).toBe(1);
  expect((await ask(id(8), "198.51.100.1")).work).toBe(true);
  now += 10 * MINUTE_MS;
  expect(queue.turnedAway("tiny")).toBe(0);
});

test("H5: eight neighbouring IPv6 networks of idle keys take half of the queue", async () => {
  pace.note("tiny", "alone", 5); // room for 24, three of them a network's, twelve a site's
  for (let key = 0; key < 40; key++) {
    await ask(id(100 + key), `2001:db8:5:${key % 8}::/64`);
  }
  for (const key of [8, 9]) expect((await ask(id(key), "198.51.100.1")).work).toBe(true);
});

test("H5: a classroom behind one address has work while the queue is not half full", async () => {
  pace.note("tiny", "alone", 0.5);
  for (let key = 0; key < 40; key++) {
    expect((await ask(id(100 + key), "203.0.113.7")).work, `key ${key}`).toBe(true);
  }
});

test("H48: what one network holds of the tickets that are out is told without its address, and keys without a network are none", async () => {
  expect(await queue.out("tiny")).toEqual({ most: 0, all: 0 });
  await ask(id(20), "192.0.2.1");
  await ask(id(21), "192.0.2.1");
  await ask(id(22), "192.0.2.2");
  await ask(id(23), null);
  now += 2000; // what was read before is too old now
  expect(await queue.out("tiny")).toEqual({ most: 2, all: 4 });
});
