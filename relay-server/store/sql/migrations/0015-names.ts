import { type QueryExecutorProvider, sql } from "kysely";

const STATEMENTS = [
  `create table names (
    contributor text primary key, name text, look text, signed_at bigint not null, blanked text)`,
  // one holder of names that look alike; those without a name are not compared
  "create unique index names_by_look on names (look)",
];

/** What contributors are called. Runs on SQLite and PostgreSQL alike. */
export async function addNames(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
