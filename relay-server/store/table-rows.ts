import { createHash } from "node:crypto";
import { type Kysely, sql, type Transaction } from "kysely";
import { MOVED_TO } from "../content/data-folder.ts";
import type { Tables } from "./tables.ts";

/** A row as a database gives it. */
type AnyRow = Readonly<Record<string, unknown>>;
type Database = Kysely<Tables> | Transaction<Tables>;

/** What a table holds: how many rows, and the sum of their hashes, whatever their order. */
export type TableContent = { readonly rows: number; readonly sum: bigint };

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

/** The ledger's tables, each after those that it refers to. */
export async function tablesOf(db: Kysely<Tables>): Promise<string[]> {
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

/** Write a table's rows into the table of that name; returns what they are. */
export async function copyRows(
  from: AsyncIterable<AnyRow>,
  to: Database,
  table: string,
): Promise<TableContent> {
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
    for await (const row of from) {
      group.push(row);
      sizeBytes += sizeOf(row);
      if (group.length === ROWS_A_WRITE || sizeBytes > BYTES_A_WRITE) await write();
      yield row;
    }
  }
  const content = await tableContent(passed());
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
export async function* rowsInSqlite(db: Database, table: string): AsyncGenerator<AnyRow> {
  const rows = db.selectFrom(table as keyof Tables).selectAll();
  for await (const row of rows.stream() as AsyncIterable<AnyRow>) {
    if (table !== "settings" || row.name !== MOVED_TO) yield row;
  }
}

/** A table's rows, some at a time. */
export async function* rowsInPostgres(
  trx: Transaction<Tables>,
  table: string,
): AsyncGenerator<AnyRow> {
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

/** What the rows of a table are. */
export async function tableContent(rows: AsyncIterable<AnyRow>): Promise<TableContent> {
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
