import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { Kysely, PGliteDialect, sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { migrate } from "../../../relay-server/store/sql/migrate.ts";
import { createFirstTables } from "../../../relay-server/store/sql/migrations/0001-first.ts";
import { openSqliteLedger } from "../../../relay-server/store/sqlite/open-ledger.ts";
import { openSqlite } from "../../../relay-server/store/sqlite/sqlite.ts";
import type { Tables } from "../../../relay-server/store/tables.ts";
import { tinyRecipe } from "../../fixtures/tiny-model.ts";
import { emptyTables } from "./empty-tables.ts";
import { ledgerSuite } from "./ledger-suite.ts";

vi.setConfig({ testTimeout: 60_000 }); // databases and threads start first

const folder = mkdtempSync(join(tmpdir(), "commonweight-ledger-"));
afterAll(() => rmSync(folder, { recursive: true }));
let opened = 0;
const freshPath = () => join(folder, `${opened++}.db`);

describe("the ledger on SQLite", () =>
  ledgerSuite(async () => {
    const db = openSqlite(freshPath());
    return { db, close: () => db.destroy() };
  }));

describe("the ledger in memory", () =>
  ledgerSuite(async () => {
    const db = openSqlite(":memory:");
    return { db, close: () => db.destroy() };
  }));

describe("the ledger on PGlite", { timeout: 60_000 }, () => {
  let db: Kysely<Tables>; // one for all tests: it takes seconds to start, and stalls this thread meanwhile
  beforeAll(async () => {
    const pglite = await PGlite.create();
    db = new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) });
  }, 60_000);
  afterAll(() => db.destroy());
  ledgerSuite(async () => {
    await emptyTables(db);
    return { db, close: async () => {} };
  });
});

test("the ledger's thread carries the same calls", async () => {
  const path = freshPath();
  const first = await openSqliteLedger(path);
  await first.ledger.status.putSetting("colour", "green");
  await first.close();
  const second = await openSqliteLedger(path);
  expect(await second.ledger.status.setting("colour")).toBe("green");
  await second.close();
});

test("a ledger of the first schema is brought up to date with what waits and what was merged", async () => {
  const path = freshPath();
  const db = openSqlite(path);
  await createFirstTables(db);
  const statements = [
    "create table schema_versions (number integer primary key)",
    "insert into schema_versions (number) values (1)",
    `insert into models values ('tiny', '${JSON.stringify(tinyRecipe)}', 10, 1, 0, 1, 1)`,
    ...[0, 1].map(
      (n) =>
        `insert into versions values ('tiny', ${n}, 'v${n}', null, 1, x'00', 'c', 1, null, 0, '{}', 0, 0, '{}')`,
    ),
    ...["merged", "queued"].flatMap((state, n) => [
      `insert into tickets values ('t${n}', 'tiny', 'k', 0, '{}', 1, 2)`,
      `insert into contributions values ('${state}', 'tiny', 'k', 't${n}', 0, '${state}', null, null, '[0]', 1, 1, '',
        'h${n}', 1, 0, 0, 1, 1, ${state === "merged" ? "1, 4096" : "null, null"}, 0)`,
    ]),
    "insert into tickets values ('t2', 'tiny', 'k', 0, '{}', 1, 2)",
    "insert into waiting_bytes values ('queued', x'010203')",
    "insert into audit values (1, 1, 'first', 'pause', 'tiny')",
    "update sequences set value = 1 where name = 'audit'",
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
  await db.destroy();
  const { ledger, close } = await openSqliteLedger(path);
  expect(await ledger.contributions.contribution("merged")).toMatchObject({
    state: "merged",
    version: 1,
  });
  expect((await ledger.tickets.ticket("t0"))?.used).toBe(1);
  expect((await ledger.tickets.ticket("t2"))?.used).toBe(0);
  expect(await ledger.contributions.waitingBytes("queued")).toEqual(Uint8Array.of(1, 2, 3));
  expect(await ledger.people.audit(5)).toMatchObject([{ action: "pause", note: null }]);
  const request = { model: "tiny", reason: "r", maintainer: "first", insists: false, at: 2 };
  const entry = await ledger.history.requestRevert({ ...request, contribution: "merged" });
  expect(entry.kind).toBe("waiting");
  await close();
});

test("a ledger that newer software wrote is refused in a sentence", async () => {
  const path = freshPath();
  const db = openSqlite(path);
  await migrate(db);
  await sql`insert into kysely_migration values ('0099-newer', 'x')`.execute(db);
  await db.destroy();
  await expect(openSqliteLedger(path)).rejects.toMatchObject({
    name: "StartError",
    message: expect.stringContaining("newer version"),
  });
});
