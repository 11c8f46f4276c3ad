import { createHash } from "node:crypto";
import { type Kysely, sql, type Transaction } from "kysely";
import { MOVED_TO } from "../content/data-folder.ts";
import { StartError } from "../start-error.ts";
import { openPostgresToFill } from "./postgres/open-postgres.ts";
import { openSqliteBeside } from "./sqlite/open-beside.ts";
import type { Tables } from "./tables.ts";

/** A row as a database gives it. */
type AnyRow = Readonly<Record<string, unknown>>;
type Database = Kysely<Tables> | Transaction<Tables>;

/** What a table holds: how many rows, and the sum of their hashes, whatever their order. */
type Content = { readonly rows: number; readonly sum: bigint };

export type MoveReport = {
  readonly tables: number;
  readonly rows: number;
  /** Each model's head in the ledger that was moved. */
  readonly heads: readonly { readonly id: string; readonly head: number }[];
};

const LEFT_BEHIND = new Set([
  "kysely_migration",
  "kysely_migration_lock",
  "schema_versions",
  "leases",
]);
const ROWS_A_WRITE = 200; // × columns stays under PostgreSQL's 65,535 parameters
const BYTES_A_WRITE = 8 << 20;
const ROWS_A_READ = 500;
const LARGE_ROWS_A_READ = 8; // of tables with bytes, of which a row may have some megabytes

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
        ? await copyTable(from, trx, table)
        : await contentOf(rowsInSqlite(from, table));
    const there = await contentOf(rowsInPostgres(trx, table));
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

/** The ledger's tables, each after those that it refers to. */
async function tablesOf(db: Kysely<Tables>): Promise<string[]> {
  const all = (await db.introspection.getTables())
    .map(({ name }) => name)
    .filter((name) => !LEFT_BEHIND.has(name));
  const ordered = new Set<string>();
  async function visit(table: string): Promise<void> {
    if (ordered.has(table)) return;
    const { rows } = await sql<{ table: string }>`
      select "table" from pragma_foreign_key_list(${table})`.execute(db);
    for (const { table: needed } of rows) if (needed !== table) await visit(needed);
    ordered.add(table);
  }
  for (const table of all) await visit(table);
  return [...ordered];
}

async function copyTable(from: Database, to: Database, table: string): Promise<Content> {
  let group: AnyRow[] = [];
  let sizeBytes = 0;
  async function write(): Promise<void> {
    if (group.length === 0) return;
    await to
      .insertInto(table as keyof Tables)
      .values(group as never) // rows of the same table, whichever it is
      .execute();
    group = [];
    sizeBytes = 0;
  }
  async function* passed(): AsyncGenerator<AnyRow> {
    for await (const row of rowsInSqlite(from, table)) {
      group.push(row);
      sizeBytes += sizeOf(row);
      if (group.length === ROWS_A_WRITE || sizeBytes > BYTES_A_WRITE) await write();
      yield row;
    }
  }
  const content = await contentOf(passed());
  await write();
  return content;
}

function sizeOf(row: AnyRow): number {
  const sizes = Object.values(row).map((value) =>
    typeof value === "string" || value instanceof Uint8Array ? value.length : 8,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** A table's rows, but for the word of where they are moved to. */
async function* rowsInSqlite(db: Database, table: string): AsyncGenerator<AnyRow> {
  const rows = db.selectFrom(table as keyof Tables).selectAll();
  for await (const row of rows.stream() as AsyncIterable<AnyRow>) {
    if (table !== "settings" || row.name !== MOVED_TO) yield row;
  }
}

async function* rowsInPostgres(trx: Transaction<Tables>, table: string): AsyncGenerator<AnyRow> {
  const count = (await hasBytes(trx, table)) ? LARGE_ROWS_A_READ : ROWS_A_READ;
  await sql`declare moved cursor for select * from ${sql.table(table)}`.execute(trx);
  for (;;) {
    const { rows } = await sql<AnyRow>`fetch ${sql.lit(count)} from moved`.execute(trx);
    yield* rows;
    if (rows.length < count) break;
  }
  await sql`close moved`.execute(trx);
}

async function hasBytes(trx: Transaction<Tables>, table: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from information_schema.columns
    where table_schema = current_schema() and table_name = ${table} and data_type = 'bytea'`.execute(
    trx,
  );
  return rows.length > 0;
}

async function contentOf(rows: AsyncIterable<AnyRow>): Promise<Content> {
  let count = 0;
  let sum = 0n;
  for await (const row of rows) {
    count++;
    sum = BigInt.asUintN(256, sum + hashOfRow(row));
  }
  return { rows: count, sum };
}

/** SHA-256 of a row's columns by name, the same for both databases. */
function hashOfRow(row: AnyRow): bigint {
  const columns = Object.entries(row)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => [
      name,
      value instanceof Uint8Array ? { hex: Buffer.from(value).toString("hex") } : value,
    ]);
  return BigInt(`0x${createHash("sha256").update(JSON.stringify(columns)).digest("hex")}`);
}
