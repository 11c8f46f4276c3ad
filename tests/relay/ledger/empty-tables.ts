import { type Kysely, sql } from "kysely";
import type { Tables } from "../../../relay-server/store/tables.ts";

const KEPT = /^kysely_|^(schema_versions|sequences)$/; // what migrations alone write, and rows that they put there

/** Leave a PostgreSQL ledger as its migrations do, without carrying them out anew, which takes longer than most tests. */
export async function emptyTables(db: Kysely<Tables>): Promise<void> {
  const all = (await db.introspection.getTables()).map(({ name }) => name);
  const names = all.filter((name) => !KEPT.test(name));
  if (names.length === 0) return; // nothing has been migrated yet
  await sql`truncate ${sql.join(names.map((name) => sql.table(name)))} restart identity`.execute(
    db,
  );
  await db.updateTable("sequences").set({ value: 0 }).execute();
}
