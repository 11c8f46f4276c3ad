import Database from "better-sqlite3";
import {
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
} from "kysely";
import { LRUCache } from "lru-cache";
import type { Tables } from "../tables.ts";

const KEPT_STATEMENTS = 500; // the ledger's queries are some 150, and a few have lists of several lengths
const OPENING_MS = 5000; // a backup tool may hold the file just then
const BUSY_MS = 100; // that a call waits for another process's lock; reads need none, and must not wait behind it for long

/** Open or create the SQLite ledger at `path`, so that a commit is on the disk when it returns. */
export function openSqlite(path: string): Kysely<Tables> {
  const database = new Database(path, { timeout: OPENING_MS });
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.pragma("foreign_keys = ON");
  const check = database.pragma("quick_check(1)", { simple: true });
  if (check !== "ok") throw new Error(`quick_check: ${check}`);
  database.pragma(`busy_timeout = ${BUSY_MS}`);
  return new Kysely<Tables>({ dialect: new LedgerDialect(database) });
}

/** Kysely's SQLite, with two of its ways that Kysely leaves out. */
class LedgerDialect extends SqliteDialect {
  readonly #database: Database.Database;
  constructor(database: Database.Database) {
    super({ database });
    this.#database = database;
  }
  override createAdapter() {
    return new LedgerAdapter();
  }
  override createDriver() {
    return new LedgerDriver(this.#database);
  }
}

/** SQLite changes tables inside transactions: so a migration is carried out whole or not at all. */
class LedgerAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl() {
    return true;
  }
}

/** How transactions begin and end in SQLite, which ends one by itself when the disk is full: rolling back once more would hide why. */
class LedgerDriver extends SqliteDriver {
  readonly #database: Database.Database;
  constructor(database: Database.Database) {
    super({ database: withKeptStatements(database) });
    this.#database = database;
  }
  /** Take the write lock at once: a group that cannot have it fails as a whole, before anything is done. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.inTransaction) await super.rollbackTransaction(connection);
  }
}

/** Kysely prepares a statement for each query, which takes as long as many of them do: here each text is prepared once. */
function withKeptStatements(database: Database.Database) {
  const statements = new LRUCache<string, Database.Statement<unknown[]>>({ max: KEPT_STATEMENTS });
  return {
    close: () => void database.close(),
    prepare(sql: string) {
      const known = statements.get(sql);
      if (known !== undefined) return known;
      const statement = database.prepare<unknown[]>(sql);
      statements.set(sql, statement);
      return statement;
    },
  };
}
