/** The ledger's suite on a PostgreSQL server, and what only a server can do. Where none is installed, PGlite carries the suite alone. */
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ledgerAway } from "../../../relay-server/storage-error.ts";
import { openLedger, openLedgerBeside } from "../../../relay-server/store/open-ledger.ts";
import { ENDLESS, openPostgres } from "../../../relay-server/store/postgres/postgres.ts";
import { createLedger } from "../../../relay-server/store/store.ts";
import { bytes, contribution, filled, id, STALE_AFTER } from "../../fixtures/ledger-rows.ts";
import { hasPostgres, startPostgres, type TestPostgres } from "../../fixtures/postgres.ts";
import { emptyTables } from "./empty-tables.ts";
import { ledgerSuite } from "./ledger-suite.ts";

if (!hasPostgres) console.warn("PostgreSQL is not installed: nothing of this file is tried.");

describe.runIf(hasPostgres)("the ledger on PostgreSQL", { timeout: 60_000 }, () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  }, 60_000);
  afterAll(() => server.remove());

  async function emptyDatabase() {
    const db = openPostgres(server.url());
    await sql`drop schema public cascade`.execute(db);
    await sql`create schema public`.execute(db);
    return { db, close: () => db.destroy() };
  }
  const place = (settings?: string) => ({ store: server.url(settings), path: "" });

  ledgerSuite(async () => {
    const db = openPostgres(server.url("-c synchronous_commit=off")); // what it asks needs no disk
    await emptyTables(db);
    return { db, close: () => db.destroy() };
  });

  test("H25: two processes write in turn, and none of their writes fails", async () => {
    const { db, close } = await emptyDatabase();
    const ledger = await filled(db);
    const other = openPostgres(server.url());
    const theirs = createLedger(other);
    const event = { type: "leaderboard", data: { model: "tiny" } } as const;
    const writes = [ledger, theirs, ledger, theirs].flatMap((each) => [
      each.status.appendEvents([event]),
      each.contributions.enter(contribution(1), bytes, STALE_AFTER),
    ]);
    const entries = await Promise.all(writes);
    const kinds = entries.flatMap((entry) => (entry === undefined ? [] : [entry.kind]));
    expect(kinds.sort()).toEqual(["created", "known", "known", "known"]);
    const numbers = (await theirs.status.eventsAfter(0, 99)).map(({ id }) => Number(id));
    expect(numbers).toEqual([1, 2, 3, 4, 5]);
    await other.destroy();
    await close();
  });

  test("H41: a relay that falls asleep inside a transaction keeps the others from writing for a few seconds only", async () => {
    const { db, close } = await emptyDatabase();
    const ledger = await filled(db);
    const sleeper = openPostgres(server.url());
    const asleep = sleeper.transaction().execute(async (trx) => {
      await trx.updateTable("models").set({ fence: 99 }).execute(); // it has the writers' lock
      return ledger.contributions.enter(contribution(1), bytes, STALE_AFTER);
    });
    await expect(asleep).rejects.toThrow();
    expect(await ledger.contributions.waitingBytes(id(1))).toEqual(bytes);
    expect((await ledger.history.model("tiny"))?.fence).not.toBe(99);
    await sleeper.destroy();
    await close();
  });

  test("H25: a lock that another program holds, a statement without an end and a server that says nothing are outages, and the next call goes through", async () => {
    const { db: empty, close } = await emptyDatabase();
    await filled(empty);
    const others = openPostgres(server.url(), ENDLESS); // a program that holds on
    const db = openPostgres(server.url(), { lockMs: 50, statementMs: 500, silenceMs: 1000 });
    const ledger = createLedger(db);
    const awayWords = (call: Promise<unknown>) => call.then(() => "answered", ledgerAway);

    let letGo = () => {};
    let takenFirst = () => {};
    const taken = new Promise<void>((resolve) => {
      takenFirst = resolve;
    });
    const holding = others.transaction().execute(async () => {
      takenFirst();
      await new Promise<void>((resolve) => {
        letGo = resolve;
      });
    });
    await taken;
    const isHeld = await awayWords(ledger.status.putSetting("colour", "red"));
    expect(isHeld).toBe("another program holds the relay's ledger");
    letGo();
    await holding;
    await ledger.status.putSetting("colour", "green");

    const slow = await awayWords(sql`select pg_sleep(60)`.execute(db));
    expect(slow).toBe("the relay's database does not answer");

    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
    process.kill(rows[0]!.pid, "SIGSTOP"); // it is the connection that the pool lends out next
    const silent = await awayWords(ledger.status.setting("colour"));
    const next = await ledger.status.setting("colour").finally(
      () => process.kill(rows[0]!.pid, "SIGCONT"), // or the server could not be ended
    );
    expect(silent).toBe("the relay's database does not answer");
    expect(next).toBe("green"); // by another connection
    await db.destroy();
    await others.destroy();
    await close();
  });

  test("what was answered is there after the server was killed, and the next write goes through", async () => {
    const { db, close } = await emptyDatabase();
    const ledger = await filled(db);
    await ledger.contributions.enter(contribution(1), bytes, STALE_AFTER);
    await server.kill();
    await expect(ledger.contributions.contribution(id(1))).rejects.toThrow();
    await server.restart();
    expect(await ledger.contributions.waitingBytes(id(1))).toEqual(bytes);
    expect((await ledger.contributions.enter(contribution(2), bytes, STALE_AFTER)).kind).toBe(
      "created",
    );
    await close();
  });

  test("a server that would lose what it answered is refused in a sentence", async () => {
    await expect(openLedger(place("-c synchronous_commit=off"))).rejects.toMatchObject({
      name: "StartError",
      message: expect.stringMatching(/^PostgreSQL's synchronous_commit is off, .*\.$/),
    });
  });

  test("a server that does not answer, and a database without a ledger, are one sentence without a password", async () => {
    const nobody = { store: "postgres://relay:secret@127.0.0.1:1/none", path: "" };
    await expect(openLedger(nobody)).rejects.toMatchObject({
      name: "StartError",
      message: expect.stringMatching(
        /^The database postgres:\/\/127\.0\.0\.1:1\/none cannot be used: (?!.*secret).*ECONNREFUSED/,
      ),
    });
    await (await emptyDatabase()).close();
    await expect(openLedgerBeside(place())).rejects.toMatchObject({
      message: expect.stringContaining("has no ledger of this version"),
    });
  });

  test("a ledger is opened by its address, brought up to date, and again", async () => {
    await (await emptyDatabase()).close();
    for (const open of [openLedger, openLedger, openLedgerBeside]) {
      const { ledger, close } = await open(place());
      await ledger.status.putSetting("colour", "green");
      expect(await ledger.status.setting("colour")).toBe("green");
      await close();
    }
  });
});
