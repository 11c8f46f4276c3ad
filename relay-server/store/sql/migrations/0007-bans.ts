import { type QueryExecutorProvider, sql } from "kysely";

const STATEMENTS = [
  `create table bans (
    contributor text primary key, reason text not null, maintainer text not null, banned_at bigint not null)`,
];

/** Whose work is not taken any more. Runs on SQLite and PostgreSQL alike. */
export async function addBans(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
