import { type QueryExecutorProvider, sql } from "kysely";

const STATEMENTS = ["alter table reverts add column insists integer not null default 0"];

/** Reverts that are published whatever the gate says. Runs on SQLite and PostgreSQL alike. */
export async function addInsisting(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
