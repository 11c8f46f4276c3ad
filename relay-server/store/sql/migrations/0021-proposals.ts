import { type QueryExecutorProvider, sql } from "kysely";

const STATEMENTS = [
  `create table proposals (
    id text primary key, model text not null references models(id), contributor text not null,
    signature text not null, fork text not null, record bytea not null, base integer not null,
    examples integer not null, size_bytes integer not null, values_hash text not null,
    norm double precision not null, bytes bytea, state text not null, message text,
    proposed_at bigint not null, decided_at bigint,
    foreign key (model, base) references versions(model, number))`,
  "create index proposals_by_state on proposals(model, state, proposed_at)",
  "alter table contributions add column fork text",
];

/** What forks offer to their upstream. Runs on SQLite and PostgreSQL alike. */
export async function addProposals(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
