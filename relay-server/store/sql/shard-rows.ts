import type { Transaction } from "kysely";
import type { ShardRow, Tables } from "../tables.ts";

const ROWS_PER_INSERT = 500; // × 9 columns stays under SQLite's 32,766 parameters

/** Enter shards of a model inside a transaction. */
export async function insertShards(
  trx: Transaction<Tables>,
  rows: readonly ShardRow[],
): Promise<void> {
  for (let i = 0; i < rows.length; i += ROWS_PER_INSERT) {
    await trx
      .insertInto("shards")
      .values(rows.slice(i, i + ROWS_PER_INSERT))
      .execute();
  }
}
