import { type QueryExecutorProvider, sql } from "kysely";

const STATEMENTS = [
  "alter table contributions add column on_mask integer not null default 1",
  "alter table contributions add column agreement double precision",
  "alter table contributions add column screened_at bigint",
  "alter table contributions add column scored_at bigint",
  "create index contributions_by_base on contributions (model, base, received_at)",
  "create index versions_by_mask on versions (model, mask)",
  "create index tickets_by_issue on tickets (model, issued_at)",
  `create table releases (
    model text not null references models(id), tag text not null, version integer not null,
    maintainer text not null, tagged_at bigint not null, primary key (model, tag),
    foreign key (model, version) references versions(model, number))`,
  `create table gate_tests (
    id bigint primary key, model text not null references models(id), tested_at bigint not null,
    head integer not null, contributions integer not null, decision text not null, tests text not null,
    flips text)`,
  "create index gate_tests_by_model on gate_tests (model, id)",
  "insert into sequences (name, value) values ('gate-tests', 0)",
];

/** What judging finds, releases, and what the gate looked at. Runs on SQLite and PostgreSQL alike. */
export async function addJudging(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
