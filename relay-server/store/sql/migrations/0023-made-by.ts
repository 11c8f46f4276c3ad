import { type QueryExecutorProvider, sql } from "kysely";

/** The device and the software that work was made with, so that refusals can be told by them. Runs on SQLite and PostgreSQL alike. */
export async function addMadeBy(db: QueryExecutorProvider): Promise<void> {
  for (const table of ["contributions", "refusals"]) {
    for (const column of ["device", "software"]) {
      await sql.raw(`alter table ${table} add column ${column} text`).execute(db);
    }
  }
}
