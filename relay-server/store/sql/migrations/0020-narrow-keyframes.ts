import { type QueryExecutorProvider, sql } from "kysely";

/** Keyframes whose chunks have fewer bytes than f32. Runs on SQLite and PostgreSQL alike. */
export async function addNarrowKeyframes(db: QueryExecutorProvider): Promise<void> {
  await sql`alter table versions add column narrow text`.execute(db);
}
