import { type QueryExecutorProvider, sql } from "kysely";

/** Volunteers who evaluate for gates. Runs on SQLite and PostgreSQL alike. */
export async function addJurors(db: QueryExecutorProvider): Promise<void> {
  await sql`create table jurors (
    model text not null, contributor text not null, examples bigint not null, lied_at bigint,
    primary key (model, contributor))`.execute(db);
}
