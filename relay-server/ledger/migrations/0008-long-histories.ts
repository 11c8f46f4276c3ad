import { type QueryExecutorProvider, sql } from "kysely";

const STATEMENTS = [
  // how often a contributor's work was merged, refused, and when last
  "create index contributions_by_standing on contributions (contributor, model, state, updated_at)",
];

/** What the relay asks all the time takes as long after years as on the first day. Runs on SQLite and PostgreSQL alike. */
export async function addLongHistories(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
