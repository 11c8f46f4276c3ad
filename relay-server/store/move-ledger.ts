import { type Kysely, sql, type Transaction } from "kysely";
import { MOVED_TO } from "../content/data-folder.ts";
import { StartError } from "../start-error.ts";
import { openPostgresToFill } from "./postgres/open-postgres.ts";
import { openSqliteBeside } from "./sqlite/open-beside.ts";
import { copyRows, rowsInPostgres, rowsInSqlite, tableContent, tablesOf } from "./table-rows.ts";
import type { Tables } from "./tables.ts";

export type MoveReport = {
  readonly tables: number;
  readonly rows: number;
  /** Each model's head in the ledger that was moved. */
  readonly heads: readonly { readonly id: string; readonly head: number }[];
};

/**
 * Copy the SQLite ledger at `path`, which no relay has open, into the empty PostgreSQL database at `url`: all tables in one
 * transaction, which commits once both have the same rows. SQLite's ledger then says where it went, and no relay starts on it.
 * A StartError, with nothing moved, where a database cannot be used, the target has a ledger with something in it, or they differ.
 */
export async function moveLedger(
  path: string,
  url: string,
  onTable: (table: string, rows: number) => void,
): Promise<MoveReport> {
  const from = await openSqliteBeside(path);
  try {
    const to = await openPostgresToFill(url);
    try {
      const { status } = from.ledger;
      const earlier = await status.setting(MOVED_TO);
      const target = new URL(url).pathname.slice(1);
      await status.putSetting(MOVED_TO, target); // first: a kill must not leave two ledgers that go on
      const copy = { from: from.db, isAgain: earlier === target, onTable };
      return await copyAll(copy, to.db).catch(async (error: unknown) => {
        if (error instanceof UncertainMove) throw error;
        const { db } = from;
        if (earlier === undefined)
          await db.deleteFrom("settings").where("name", "=", MOVED_TO).execute();
        else await status.putSetting(MOVED_TO, earlier);
        throw error;
      });
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

/** The commit was sent and not answered: the mark stays, since both ledgers may be whole. */
class UncertainMove extends StartError {}

type Copy = {
  readonly from: Kysely<Tables>;
  /** Whether it was tried before: what is there already may be what was copied then. */
  readonly isAgain: boolean;
  readonly onTable: (table: string, rows: number) => void;
};

async function copyAll(copy: Copy, to: Kysely<Tables>): Promise<MoveReport> {
  let isSent = false;
  try {
    return await to.transaction().execute(async (trx) => {
      const report = await copyOrCompare(copy, trx);
      isSent = true;
      return report;
    });
  } catch (error) {
    if (!isSent) throw error;
    throw new UncertainMove(
      "The database was lost before it said whether it has the ledger now: run the same command again, which finds out. Until then no relay starts on this folder.",
      { cause: error },
    );
  }
}

async function copyOrCompare(
  { from, isAgain, onTable }: Copy,
  trx: Transaction<Tables>,
): Promise<MoveReport> {
  const tables = await tablesOf(from);
  const filled = await trx.selectFrom("models").select("id").executeTakeFirst();
  if (filled !== undefined && !isAgain) {
    throw new StartError(
      `The database has a ledger already (with ${filled.id}), and nothing was moved: name an empty one.`,
    );
  }
  if (filled === undefined) {
    for (const table of tables.toReversed())
      await sql`delete from ${sql.table(table)}`.execute(trx); // what migrations put in
  }
  let rows = 0;
  for (const table of tables) {
    const own =
      filled === undefined
        ? await copyRows(rowsInSqlite(from, table), trx, table)
        : await tableContent(rowsInSqlite(from, table));
    const there = await tableContent(rowsInPostgres(trx, table));
    if (own.rows !== there.rows || own.sum !== there.sum) {
      throw new StartError(
        filled === undefined
          ? `The table ${table} has ${own.rows} rows in SQLite and came to PostgreSQL as ${there.rows} with other bytes: nothing was moved.`
          : `The database has a ledger already (with ${filled.id}), which has gone on or is another one: start the relay on it, or name an empty one.`,
      );
    }
    onTable(table, own.rows);
    rows += own.rows;
  }
  const heads = await trx.selectFrom("models").select(["id", "head"]).orderBy("id").execute();
  return { tables: tables.length, rows, heads };
}
