import { type QueryExecutorProvider, sql } from "kysely";

const STATEMENTS = [
  `create table suites (
    id text primary key, model text not null references models(id), name text not null,
    contributor text not null, signature text not null, header text not null,
    examples integer not null, size_bytes integer not null, bytes bytea,
    state text not null, message text, findings text,
    proposed_at bigint not null, decided_at bigint, act integer, stopped integer not null)`,
  // a name is one suite's for ever, unless that was refused
  "create unique index suites_by_name on suites(model, name) where state <> 'refused'",
  "create index suites_by_state on suites(model, state, proposed_at)",
];

/** Suites that people propose, until and after they are decided about. Runs on SQLite and PostgreSQL alike. */
export async function addSuites(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
