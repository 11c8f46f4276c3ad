import { type QueryExecutorProvider, sql } from "kysely";

const STATEMENTS = ["alter table shards add column replay integer not null default 0"];

/** Which shards are of the base's own domain. Runs on SQLite and PostgreSQL alike. */
export async function addTraining(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
