import { type QueryExecutorProvider, sql } from "kysely";

const TABLES = [
  `create table models (
    id text primary key, recipe text not null, parameters integer not null, imported_at bigint not null,
    paused integer not null, head integer not null, fence integer not null)`,
  `create table versions (
    model text not null references models(id), number integer not null, id text not null unique, parent text,
    created_at bigint not null, signed bytea not null, checkpoint text not null, keyframe integer not null,
    step text, step_bytes integer not null, mask text not null, contributions integer not null,
    contributors integer not null, report text not null, primary key (model, number))`,
  `create table shards (
    model text not null references models(id), position integer not null, sha256 text not null,
    size_bytes integer not null, examples integer not null, title text not null, assigned integer not null,
    trained integer not null, primary key (model, position))`,
  `create table shard_trainers (
    model text not null, position integer not null, contributor text not null,
    primary key (model, position, contributor),
    foreign key (model, position) references shards(model, position))`,
  `create table tickets (
    id text primary key, model text not null, contributor text not null, base integer not null,
    ticket text not null, issued_at bigint not null, expires_at bigint not null,
    foreign key (model, base) references versions(model, number))`,
  "create index tickets_by_expiry on tickets (expires_at)",
  `create table contributions (
    id text primary key, model text not null, contributor text not null,
    ticket text not null unique references tickets(id), base integer not null, state text not null,
    reason_code text, reason_message text, shards text not null, examples integer not null,
    size_bytes integer not null, signature text not null, values_hash text not null unique,
    norm double precision not null, score double precision, postponed integer not null, received_at bigint not null,
    updated_at bigint not null, version integer, multiplier integer, credit double precision not null,
    foreign key (model, base) references versions(model, number),
    foreign key (model, version) references versions(model, number),
    check ((state = 'merged') = (version is not null)))`,
  "create index contributions_by_state on contributions (model, state, updated_at)",
  "create index contributions_by_contributor on contributions (contributor, received_at)",
  `create table waiting_bytes (
    contribution text primary key references contributions(id), bytes bytea not null)`,
  `create table refusals (
    id text primary key, contributor text not null, code text not null, message text not null,
    refused_at bigint not null)`,
  "create table events (id bigint primary key, type text not null, topic text not null, data text not null)",
  "create table sequences (name text primary key, value bigint not null)",
  "create table settings (name text primary key, value text not null)",
  `create table maintainers (
    name text primary key, token_hash text not null unique, created_at bigint not null)`,
  `create table audit (
    id bigint primary key, at bigint not null, maintainer text not null, action text not null,
    subject text not null)`,
  "insert into sequences (name, value) values ('events', 0), ('audit', 0)",
];

/** Everything that the walk of a contribution needs. Runs on SQLite and PostgreSQL alike. */
export async function createFirstTables(db: QueryExecutorProvider): Promise<void> {
  for (const statement of TABLES) await sql.raw(statement).execute(db);
}
