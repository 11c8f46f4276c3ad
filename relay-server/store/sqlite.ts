import Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import type { Tables } from "./tables.ts";

const BUSY_MS = 5000; // how long a backup tool may hold the file

/** Open or create the SQLite ledger at `path`, so that a commit is on the disk when it returns. */
export function openSqlite(path: string): Kysely<Tables> {
  const database = new Database(path, { timeout: BUSY_MS });
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.pragma("foreign_keys = ON");
  const check = database.pragma("quick_check(1)", { simple: true });
  if (check !== "ok") throw new Error(`quick_check: ${check}`);
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database }) });
}
