import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { afterAll, expect, test } from "vitest";
import { isStorageFull } from "../../storage-error.ts";
import { createLedger } from "../store.ts";
import type { Tables } from "../tables.ts";
import { createGroupCommit } from "./group-commit.ts";
import { migrate } from "./migrate.ts";

const folder = mkdtempSync(join(tmpdir(), "commonweight-commits-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function openLedger(name: string) {
  const database = new Database(join(folder, name));
  database.pragma("journal_mode = WAL");
  let commits = 0;
  const counting = {
    close: () => database.close(),
    prepare(sql: string) {
      if (sql === "commit") commits++;
      return database.prepare(sql);
    },
  };
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: counting }) });
  await migrate(db);
  return { database, db, status: createLedger(db).status, commits: () => commits };
}

test("writes that come together share a transaction", async () => {
  const { db, status, commits } = await openLedger("shared.db");
  const before = commits();
  await Promise.all(Array.from({ length: 100 }, (_, n) => status.putSetting(`${n}`, "x")));
  expect(commits() - before).toBe(1);
  expect(await status.setting("99")).toBe("x");
  await db.destroy();
});

test("after writes that came together the next ones are waited for, after a lone one they are not", async () => {
  const { db, commits } = await openLedger("gathered.db");
  let gathering = Promise.withResolvers<void>();
  const gathers = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let gathered = 0;
  const write = createGroupCommit(db, () => {
    gathering.resolve();
    return gathers[gathered++]!.promise;
  });
  const put = (name: string) =>
    write((trx) => trx.insertInto("settings").values({ name, value: "x" }).execute());
  const before = commits();
  await put("alone");
  await put("alone again");
  expect([commits() - before, gathered]).toEqual([2, 0]);
  await Promise.all([put("a"), put("b")]);
  await gathering.promise;
  gathering = Promise.withResolvers();
  const next = [put("c")];
  await new Promise((resolve) => setImmediate(resolve)); // another turn: by itself it would be another commit
  next.push(put("d"));
  gathers[0]!.resolve();
  await Promise.all(next);
  expect(commits() - before).toBe(4);
  gathers[1]!.resolve();
  await db.destroy();
});

test("when the disk is full, the whole group fails, nothing of it is kept, and it works again with room", async () => {
  const { db, status, database } = await openLedger("full.db");
  await status.putSetting("before", "kept");
  const pages = Number(database.pragma("page_count", { simple: true }));
  database.pragma(`max_page_count = ${pages}`);
  const long = "x".repeat(100_000);
  const results = await Promise.allSettled([
    status.putSetting("small", "x"),
    status.putSetting("long", long),
  ]);
  expect(results.every((r) => r.status === "rejected" && isStorageFull(r.reason))).toBe(true);
  expect(await status.setting("small")).toBeUndefined();
  database.pragma("max_page_count = 100000");
  await status.putSetting("long", long);
  expect(await status.setting("long")).toBe(long);
  expect(await status.setting("before")).toBe("kept");
  await db.destroy();
});
