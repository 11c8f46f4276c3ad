/** How SQLite answers what is asked all the time: by an index that leads to the few rows it needs. */
import Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { beforeEach, expect, test } from "vitest";
import { contribution, filled, HOUR_MS, ticket } from "../../../tests/fixtures/ledger-rows.ts";
import type { Ledger } from "../store.ts";
import type { Tables } from "../tables.ts";

const database = new Database(":memory:");
let asked: { sql: string; parameters: readonly unknown[] }[] = [];
const db = new Kysely<Tables>({
  dialect: new SqliteDialect({ database }),
  log({ query }) {
    asked.push(query);
  },
});
let ledger: Ledger;
beforeEach(async () => {
  ledger ??= await filled(db);
  asked = [];
});

/** The lines of SQLite's plans for what a call asked. */
async function planOf(call: Promise<unknown>): Promise<string[]> {
  await call;
  return asked
    .filter(({ sql }) => /^(select|delete|update)/i.test(sql))
    .flatMap(({ sql, parameters }) => {
      const steps = database.prepare(`explain query plan ${sql}`).all(...parameters);
      return (steps as { detail: string }[]).map(({ detail }) => detail);
    });
}

test("G5: a contributor's merges in a row are found by contributor, in order", async () => {
  const plan = await planOf(ledger.contributions.waiting("tiny", "queued", 5));
  expect(plan.filter((step) => /earlier|refused/.test(step))).toEqual([
    expect.stringMatching(/earlier USING COVERING INDEX contributions_by_standing .*updated_at>\?/),
    expect.stringMatching(/refused USING INDEX contributions_by_standing/),
  ]);
});

test("old tickets are found without those of contributions", async () => {
  const plan = await planOf(ledger.tickets.issueTicket(ticket(90 * 24 * HOUR_MS), [0]));
  expect(plan).toContainEqual(
    expect.stringMatching(/tickets USING .*INDEX tickets_by_use \(used=\? AND expires_at<\?\)/),
  );
});

test("what was ever merged, and by whom, is read from sums", async () => {
  const board = await planOf(ledger.status.allTimeLeaderboard("tiny", 10));
  expect(board).toEqual([
    expect.stringMatching(/^SEARCH credits USING INDEX credits_by_credit \(model=\?\)/),
  ]);
  asked = [];
  const totals = await planOf(ledger.status.totals("tiny"));
  expect(totals).toEqual([expect.stringMatching(/^SEARCH credits USING/)]);
});

test("H43: a contributor's page reads that contributor's merged work, and the places above", async () => {
  const { status } = ledger;
  const id = contribution(1).contributor;
  const work = await planOf(
    Promise.all([status.mergedByVersion("tiny", id), status.mergedByDay("tiny", id)]),
  );
  const own =
    /contributions USING .*contributions_by_\w+ \(contributor=\? AND model=\? AND state=\?/;
  expect(work.filter((step) => /contributions/.test(step))).toEqual([
    expect.stringMatching(own),
    expect.stringMatching(own),
  ]);
  await db
    .insertInto("credits")
    .values({ model: "tiny", contributor: id, credit: 1, merged: 1, last_merged_at: 1 })
    .execute();
  asked = [];
  const place = await planOf(status.standing("tiny", id));
  expect(place.filter((step) => /SCAN|B-TREE/.test(step))).toEqual([]);
});

test("H18: health counts what waits and the last day's work, not the whole history", async () => {
  const plan = await planOf(ledger.status.counts("tiny", 10));
  const searches = plan.filter((step) => /^(SEARCH|SCAN)/.test(step));
  expect(searches).toEqual([
    expect.stringMatching(/INDEX contributions_by_state \(model=\? AND state=\?\)/),
    expect.stringMatching(/contributions_by_state \(model=\? AND state=\? AND updated_at>\?\)/),
    expect.stringMatching(
      /COVERING INDEX contributions_by_arrival \(model=\? AND received_at>\?\)/,
    ),
    expect.stringMatching(/INDEX contributions_by_state \(model=\? AND state=\?\)/),
  ]);
  expect(plan.filter((step) => /TEMP B-TREE/.test(step))).toEqual([]);
});

test("a ticket's shards are read without who trained on them", async () => {
  const plan = await planOf(ledger.history.shards("tiny"));
  expect(plan).toEqual([expect.stringMatching(/^SEARCH shards USING INDEX/)]);
});

test("G20: what came before under own masks is read backwards, and no further than needed", async () => {
  const earlier = () => planOf(ledger.contributions.earlierOnMask(contribution(3), 64));
  const ofEpoch = await earlier();
  expect(ofEpoch).toContainEqual(
    expect.stringMatching(/contributions_by_base \(model=\? AND base=/),
  );
  await db.updateTable("versions").set({ mask: '{"kind":"own","count":5}' }).execute();
  asked = [];
  const [, ...own] = await earlier();
  expect(own).toEqual([
    expect.stringMatching(/INDEX contributions_by_arrival \(model=\? AND \(received_at,id\)</),
  ]);
});

test("H13: a plan is made without reading the versions' records", async () => {
  const plan = await planOf(
    Promise.all([ledger.history.keyframe("tiny", 0), ledger.history.steps("tiny", 0, 600, 9)]),
  );
  const steps = expect.stringMatching(/versions USING COVERING INDEX versions_by_step/);
  expect(plan).toEqual([steps, steps, steps, steps]); // 601 versions are read in three parts
});

test("H10: old refusals are found without the others", async () => {
  const row = {
    id: "1",
    contributor: "",
    code: "copied",
    message: "",
    refused_at: 9,
    model: "tiny",
    device: null,
    software: null,
  };
  await ledger.tickets.issueTicket(ticket(4), [0]);
  const plan = await planOf(ledger.contributions.recordRefusal(row, ticket(4).id, 5));
  expect(plan).toContainEqual(expect.stringMatching(/refusals USING INDEX refusals_by_time/));
});

test("H5: a key's unused and spent tickets are read from the newest", async () => {
  const plan = await planOf(ledger.tickets.standing("tiny", "7", { unused: 32, spent: 64 }));
  const search = expect.stringMatching(
    /COVERING INDEX tickets_by_contributor \(contributor=\? AND used=\?\)/,
  );
  expect(plan.filter((step) => /tickets|B-TREE/.test(step))).toEqual([search, search]);
});

test("H45: who trains, and what waits for the merge, is read without the history", async () => {
  const { status } = ledger;
  const plan = await planOf(Promise.all([status.atWork("tiny", 20, 5), status.queued("tiny", 5)]));
  const searches = plan.filter((step) => /^(SEARCH|SCAN) (tickets|contributions)/.test(step));
  const tickets = expect.stringMatching(/tickets_by_issue \(model=\? AND issued_at>\? AND /);
  const queued = expect.stringMatching(/contributions_by_state \(model=\? AND state=\?\)/);
  expect(searches).toHaveLength(4);
  expect(searches).toEqual(expect.arrayContaining([tickets, queued]));
  expect(searches.filter((step) => step.startsWith("SCAN"))).toEqual([]);
});

test("H47: what made the day's work is read from the newest, without a sort", async () => {
  expect(await planOf(ledger.status.made("tiny", 1, 5))).toEqual([
    expect.stringMatching(/contributions_by_arrival \(model=\? AND received_at>\?\)/),
    expect.stringMatching(/refusals_by_model \(model=\? AND refused_at>\?\)/),
  ]);
});

test("H46: the day's work and the door's refusals are read from the newest, without a sort", async () => {
  const { status } = ledger;
  const plan = await planOf(
    Promise.all([status.arrivals("tiny", 1, 5), status.doorRefusals(1, 5)]),
  );
  expect(plan).toEqual([
    expect.stringMatching(/contributions_by_arrival \(model=\? AND received_at>\?\)/),
    expect.stringMatching(/refusals_by_time \(refused_at>\?\)/),
  ]);
});
