import { type QueryExecutorProvider, sql } from "kysely";

/** What the relay that publishes a model says of it to the others. Runs on SQLite and PostgreSQL alike. */
export async function addSaidOfModels(db: QueryExecutorProvider): Promise<void> {
  await sql`alter table leases add column problem text`.execute(db);
  await sql`alter table leases add column score_seconds double precision`.execute(db);
}
