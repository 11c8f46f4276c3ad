import { type QueryExecutorProvider, sql } from "kysely";

/** Machines that judge for the relay. Runs on SQLite and PostgreSQL alike. */
export async function addJudges(db: QueryExecutorProvider): Promise<void> {
  await sql`create table judges (
    judge text not null primary key, name text not null, maintainer text not null, named_at bigint not null,
    dismissed_at bigint, dismissed_reason text)`.execute(db);
}
