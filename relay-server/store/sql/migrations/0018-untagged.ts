import { type QueryExecutorProvider, sql } from "kysely";

/** Releases that a maintainer took back: their numbers stay taken. Runs on SQLite and PostgreSQL alike. */
export async function addUntagged(db: QueryExecutorProvider): Promise<void> {
  await sql.raw("alter table releases add column untagged_at bigint").execute(db);
}
