import { type Kysely, SqliteAdapter, sql, type Transaction } from "kysely";
import type { Tables } from "../tables.ts";
import type { Write } from "./group-commit.ts";

/** Who holds leases, and for how long from now on. */
export type LeaseHolder = { readonly holder: string; readonly lengthMs: number };

export function leaseParts(db: Kysely<Tables>, write: Write) {
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter;
  return {
    /**
     * Hold each model that nobody else holds, or go on holding it. Returns the fences of those that are held, by model: a
     * model's fence rises when another relay comes to hold it, and what the earlier one publishes is refused from then on.
     */
    holdLeases({ holder, lengthMs }: LeaseHolder): Promise<Map<string, number>> {
      return write(async (trx) => {
        const now = await clockOf(trx, isSqlite);
        const models = await trx
          .selectFrom("models")
          .leftJoin("leases", "leases.model", "models.id")
          .select(["id", "fence", "holder", "expires_at"])
          .execute();
        const held = new Map<string, number>();
        for (const { id, fence, holder: earlier, expires_at } of models) {
          if (earlier !== holder && Number(expires_at ?? now) > now) continue;
          const row = { model: id, holder, expires_at: now + lengthMs };
          await trx
            .insertInto("leases")
            .values(row)
            .onConflict((conflict) => conflict.column("model").doUpdateSet(row))
            .execute();
          held.set(id, earlier === holder ? fence : await raiseFence(trx, id));
        }
        return held;
      });
    },
    /** Let another relay hold what `holder` holds, at once. */
    releaseLeases(holder: string): Promise<void> {
      return write(async (trx) => {
        await trx.deleteFrom("leases").where("holder", "=", holder).execute();
      });
    },
  };
}

/** The database's clock in ms since 1970: relays on several machines go by one clock. */
async function clockOf(trx: Transaction<Tables>, isSqlite: boolean): Promise<number> {
  const now = isSqlite
    ? sql<number>`cast(unixepoch('subsec') * 1000 as integer)`
    : sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`;
  const { rows } = await sql<{ now: number }>`select ${now} as now`.execute(trx);
  return Number(rows[0]?.now);
}

async function raiseFence(trx: Transaction<Tables>, model: string): Promise<number> {
  const { fence } = await trx
    .updateTable("models")
    .set((eb) => ({ fence: eb("fence", "+", 1) }))
    .where("id", "=", model)
    .returning("fence")
    .executeTakeFirstOrThrow();
  return fence;
}
