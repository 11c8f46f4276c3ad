import { type QueryExecutorProvider, sql } from "kysely";

const STATEMENTS = [
  // what maintainers decided and readers rely on, signed and chained as versions are
  `create table acts (
    model text not null references models(id), number integer not null, id text not null, signed bytea not null,
    primary key (model, number))`,
  // why it is, in the maintainer's words
  "alter table models add column retired text",
];

/** Signed acts, and models that are retired. Runs on SQLite and PostgreSQL alike. */
export async function addActs(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
