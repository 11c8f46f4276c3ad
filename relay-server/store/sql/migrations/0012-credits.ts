import { type QueryExecutorProvider, sql } from "kysely";

const STATEMENTS = [
  `create table credits (
    model text not null references models(id), contributor text not null, credit double precision not null,
    merged integer not null, last_merged_at bigint not null, primary key (model, contributor))`,
  `insert into credits (model, contributor, credit, merged, last_merged_at)
    select model, contributor, sum(credit), count(*), max(updated_at) from contributions
    where state = 'merged' group by model, contributor`,
  "create index credits_by_credit on credits (model, credit desc, contributor)",
];

/** What each contributor has, so that nobody adds up the whole history. Runs on SQLite and PostgreSQL alike. */
export async function addCredits(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
