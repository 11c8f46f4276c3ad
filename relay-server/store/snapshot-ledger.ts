import { sql, type Transaction } from "kysely";
import { StartError } from "../start-error.ts";
import { openPostgresBeside } from "./postgres/open-postgres.ts";
import { migrate } from "./sql/migrate.ts";
import { openSqlite } from "./sqlite/sqlite.ts";
import { copyRows, rowsInPostgres, rowsInSqlite, tableContent, tablesOf } from "./table-rows.ts";
import type { Tables } from "./tables.ts";

/**
 * Copy the ledger in the PostgreSQL database at `url`, as it is at one moment, into a new SQLite ledger at `path`, also while
 * relays write. A StartError where the database cannot be used, or SQLite comes to hold something else.
 */
export async function snapshotPostgres(url: string, path: string): Promise<void> {
  const { db: from, close } = await openPostgresBeside(url);
  try {
    await from
      .transaction()
      .setIsolationLevel("repeatable read") // one moment for all tables
      .setAccessMode("read only") // and no writer waits for it
      .execute((trx) => copyInto(trx, path));
  } finally {
    await close();
  }
}

async function copyInto(from: Transaction<Tables>, path: string): Promise<void> {
  const to = openSqlite(path);
  try {
    await migrate(to);
    const tables = await tablesOf(to);
    await to.transaction().execute(async (trx) => {
      for (const table of tables.toReversed()) {
        await sql`delete from ${sql.table(table)}`.execute(trx); // what migrations put in
      }
      for (const table of tables) {
        const own = await copyRows(rowsInPostgres(from, table), trx, table);
        const there = await tableContent(rowsInSqlite(trx, table));
        if (own.rows === there.rows && own.sum === there.sum) continue;
        throw new StartError(
          `The table ${table} has ${own.rows} rows in PostgreSQL and came to the backup as ${there.rows} with other bytes.`,
        );
      }
    });
  } finally {
    await to.destroy(); // the last connection takes SQLite's journal in
  }
}
