import { type QueryExecutorProvider, sql } from "kysely";

const STATEMENTS = [
  // the audit log's numbers rise with each act, whatever the clock does
  "alter table releases add column act bigint not null default 0",
  `update releases set act = coalesce((select max(audit.id) from audit where audit.action = 'tag'
    and audit.subject = releases.model and audit.note = 'version ' || releases.version || ' is ' || releases.tag), 0)`,
  "alter table reverts add column act bigint not null default 0",
  `update reverts set act = coalesce((select max(audit.id) from audit where audit.action = 'revert-published'
    and audit.subject = reverts.contribution), 0) where state = 'published'`,
  // the newest merged work by version, not by time
  "create index contributions_by_version on contributions (model, state, version, id, norm)",
];

/** Releases and reverts have an order of their own. Runs on SQLite and PostgreSQL alike. */
export async function addOrderOfActs(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
