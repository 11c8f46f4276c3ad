import { type Kysely, type QueryExecutorProvider, sql } from "kysely";
import { StartError } from "../start-error.ts";
import { createFirstTables } from "./migrations/0001-first.ts";
import { addReverts } from "./migrations/0002-reverts.ts";
import { addTraining } from "./migrations/0003-training.ts";
import { addJudging } from "./migrations/0004-judging.ts";
import { addSpotChecks } from "./migrations/0005-spot-checks.ts";
import { addInsisting } from "./migrations/0006-insisting.ts";
import { addBans } from "./migrations/0007-bans.ts";
import { addLongHistories } from "./migrations/0008-long-histories.ts";
import type { Tables } from "./tables.ts";

/** In order; the number of a migration is its place, counted from 1. Never edited once released. */
const MIGRATIONS: readonly ((db: QueryExecutorProvider) => Promise<void>)[] = [
  createFirstTables,
  addReverts,
  addTraining,
  addJudging,
  addSpotChecks,
  addInsisting,
  addBans,
  addLongHistories,
];

/** Bring the ledger's schema up to date; a schema newer than this software is a StartError. */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  await sql`create table if not exists schema_versions (number integer primary key)`.execute(db);
  const rows = await sql<{ number: number | null }>`
    select max(number) as number from schema_versions`.execute(db);
  const current = rows.rows[0]?.number ?? 0;
  if (current > MIGRATIONS.length) {
    throw new StartError(
      `The data folder was written by a newer version of Commonweight (schema ${current}, this one knows ${MIGRATIONS.length}): update the software, or choose another DATA_DIR.`,
    );
  }
  for (let number = current + 1; number <= MIGRATIONS.length; number++) {
    await db.transaction().execute(async (trx) => {
      await MIGRATIONS[number - 1]!(trx);
      await sql`insert into schema_versions (number) values (${number})`.execute(trx);
    });
  }
}
