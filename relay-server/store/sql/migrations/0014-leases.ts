import { type QueryExecutorProvider, sql } from "kysely";

/** Which relay publishes a model, and until when nobody else may. Runs on SQLite and PostgreSQL alike. */
export async function addLeases(db: QueryExecutorProvider): Promise<void> {
  await sql`create table leases (
    model text not null primary key references models(id), holder text not null, expires_at bigint not null)`.execute(
    db,
  );
}
