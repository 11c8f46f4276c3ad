import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { Kysely, PGliteDialect, sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ledgerSuite } from "./ledger-suite.ts";
import { migrate } from "./migrate.ts";
import { openLedger } from "./open-ledger.ts";
import { openSqlite } from "./sqlite.ts";
import type { Tables } from "./tables.ts";

const folder = mkdtempSync(join(tmpdir(), "commonweight-ledger-"));
afterAll(() => rmSync(folder, { recursive: true }));
let opened = 0;
const freshPath = () => join(folder, `${opened++}.db`);

describe("the ledger on SQLite", () =>
  ledgerSuite(async () => {
    const db = openSqlite(freshPath());
    return { db, close: () => db.destroy() };
  }));

describe("the ledger on PostgreSQL", { timeout: 60_000 }, () => {
  let pglite: PGlite; // one for all tests: it takes seconds to start, and stalls this thread meanwhile
  let db: Kysely<Tables>;
  beforeAll(async () => {
    pglite = await PGlite.create();
    db = new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) });
  }, 60_000);
  afterAll(() => db.destroy());
  ledgerSuite(async () => {
    await pglite.exec("drop schema public cascade; create schema public");
    return { db, close: async () => {} };
  });
});

test("the ledger's thread carries the same calls", async () => {
  const path = freshPath();
  const first = await openLedger(path);
  await first.ledger.putSetting("colour", "green");
  await first.close();
  const second = await openLedger(path);
  expect(await second.ledger.setting("colour")).toBe("green");
  await second.close();
});

test("a ledger that newer software wrote is refused in a sentence", async () => {
  const path = freshPath();
  const db = openSqlite(path);
  await migrate(db);
  await sql`insert into schema_versions (number) values (99)`.execute(db);
  await db.destroy();
  await expect(openLedger(path)).rejects.toMatchObject({
    name: "StartError",
    message: expect.stringContaining("newer version"),
  });
});
