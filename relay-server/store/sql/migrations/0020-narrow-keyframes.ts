import { type QueryExecutorProvider, sql } from "kysely";

/** Keyframes whose chunks have fewer bytes than f32. Runs on SQLite and PostgreSQL alike. */
export async function addNarrowKeyframes(db: QueryExecutorProvider): Promise<void> {
  await sql`alter table versions add column narrow text`.execute(db);
  await sql`drop index versions_by_step`.execute(db);
  // still without the records: a plan looks through it for its keyframe
  await sql`create index versions_by_step on versions (model, number, keyframe, checkpoint, narrow, step, step_bytes)`.execute(
    db,
  );
}
