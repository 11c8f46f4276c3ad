import { type QueryExecutorProvider, sql } from "kysely";

const STATEMENTS = [
  // merged work whose bytes are still in `waiting_bytes` alone
  `create table promotions (
    contribution text primary key references contributions(id), model text not null references models(id))`,
  "create index promotions_by_model on promotions (model)",
  // patches used to be made public before the commit: a kill in between left some of them, to be swept once
  `insert into settings (name, value) select 'patch-sweep', 'due' where exists (select 1 from models)`,
];

/** Patches become public after the version that merges them. Runs on SQLite and PostgreSQL alike. */
export async function addPromotions(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
