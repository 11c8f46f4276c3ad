import { type QueryExecutorProvider, sql } from "kysely";

/** How far juries have seen a suite's packets. Runs on SQLite and PostgreSQL alike. */
export async function addShownPackets(db: QueryExecutorProvider): Promise<void> {
  await sql`create table shown_packets (
    model text not null, suite text not null, packets integer not null, primary key (model, suite))`.execute(
    db,
  );
}
