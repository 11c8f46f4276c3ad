import { type QueryExecutorProvider, sql } from "kysely";

const STATEMENTS = [
  `create table spot_checks (
    contribution text primary key references contributions(id), model text not null references models(id),
    contributor text not null, state text not null, cosine double precision, norm_ratio double precision,
    drawn_at bigint not null, decided_at bigint,
    check ((state = 'drawn') = (decided_at is null)))`,
  "create index spot_checks_by_state on spot_checks (state, drawn_at)",
  "create index spot_checks_by_contributor on spot_checks (contributor, model, state)",
];

/** Whose work is trained a second time, and how the two compare. Runs on SQLite and PostgreSQL alike. */
export async function addSpotChecks(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
