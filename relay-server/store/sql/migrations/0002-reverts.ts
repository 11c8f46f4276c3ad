import { type QueryExecutorProvider, sql } from "kysely";

/**
 * A reverted contribution keeps the version that merged it. No database changes a check everywhere, so the table is
 * made anew; what refers to it steps aside meanwhile.
 */
const STATEMENTS = [
  "create table waiting_copy as select contribution, bytes from waiting_bytes",
  "drop table waiting_bytes",
  `create table contributions_2 (
    id text primary key, model text not null, contributor text not null,
    ticket text not null unique references tickets(id), base integer not null, state text not null,
    reason_code text, reason_message text, shards text not null, examples integer not null,
    size_bytes integer not null, signature text not null, values_hash text not null unique,
    norm double precision not null, score double precision, postponed integer not null, received_at bigint not null,
    updated_at bigint not null, version integer, multiplier integer, credit double precision not null,
    foreign key (model, base) references versions(model, number),
    foreign key (model, version) references versions(model, number),
    check ((state in ('merged', 'reverted')) = (version is not null)))`,
  `insert into contributions_2 select id, model, contributor, ticket, base, state, reason_code, reason_message, shards,
    examples, size_bytes, signature, values_hash, norm, score, postponed, received_at, updated_at, version, multiplier,
    credit from contributions`,
  "drop table contributions",
  "alter table contributions_2 rename to contributions",
  "create index contributions_by_state on contributions (model, state, updated_at)",
  "create index contributions_by_contributor on contributions (contributor, received_at)",
  `create table waiting_bytes (
    contribution text primary key references contributions(id), bytes bytea not null)`,
  "insert into waiting_bytes (contribution, bytes) select contribution, bytes from waiting_copy",
  "drop table waiting_copy",
  `create table reverts (
    contribution text primary key references contributions(id), model text not null references models(id),
    reason text not null, maintainer text not null, state text not null, message text, requested_at bigint not null,
    decided_at bigint, version integer,
    foreign key (model, version) references versions(model, number),
    check ((state = 'published') = (version is not null)))`,
  "create index reverts_by_state on reverts (model, state, requested_at)",
  "alter table audit add column note text",
];

/** Reverts, and a note in the audit log. Runs on SQLite and PostgreSQL alike. */
export async function addReverts(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
