import { type QueryExecutorProvider, sql } from "kysely";

const STATEMENTS = [
  // how often a contributor's work was merged, refused, and when last
  "create index contributions_by_standing on contributions (contributor, model, state, updated_at)",
  // the last day's arrivals, and what came just before a contribution
  "create index contributions_by_arrival on contributions (model, received_at, id, on_mask)",
  // how to build a checkpoint, without the records, which have megabytes in large cohorts
  "create index versions_by_step on versions (model, number, keyframe, checkpoint, step, step_bytes)",
  // refusals that nobody asks for any more
  "create index refusals_by_time on refusals (refused_at)",
  // old tickets that nobody used are found without passing by all that were used
  "alter table tickets add column used integer not null default 0",
  "update tickets set used = 1 where id in (select ticket from contributions)",
  "drop index tickets_by_expiry",
  "create index tickets_by_use on tickets (used, expires_at)",
  // those of one key
  "create index tickets_by_contributor on tickets (contributor, used, issued_at)",
];

/** What the relay asks all the time takes as long after years as on the first day. Runs on SQLite and PostgreSQL alike. */
export async function addLongHistories(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
