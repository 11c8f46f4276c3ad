import { type QueryExecutorProvider, sql } from "kysely";

/** The model whose work the door refused. Runs on SQLite and PostgreSQL alike. */
export async function addRefusedOf(db: QueryExecutorProvider): Promise<void> {
  await sql`alter table refusals add column model text`.execute(db);
  await sql`create index refusals_by_model on refusals (model, refused_at)`.execute(db);
}
