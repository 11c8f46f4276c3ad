import type { Kysely } from "kysely";
import type { Tables } from "../tables.ts";
import type { Write } from "./group-commit.ts";
import { WAITING } from "./lives.ts";

/** Merged work whose patch is not public yet, and work whose patch must not be. */
export function promotionParts(db: Kysely<Tables>, write: Write) {
  return {
    /** Merged contributions whose bytes the ledger alone has. */
    async duePromotions(model: string, limit: number): Promise<string[]> {
      const rows = await db
        .selectFrom("promotions")
        .select("contribution")
        .where("model", "=", model)
        .orderBy("contribution")
        .limit(limit)
        .execute();
      return rows.map(({ contribution }) => contribution);
    },
    /** The bytes of a merged contribution that the ledger alone has; undefined of any other. */
    async dueBytes(id: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
      const row = await db
        .selectFrom("promotions")
        .innerJoin("waiting_bytes", "waiting_bytes.contribution", "promotions.contribution")
        .select("waiting_bytes.bytes")
        .where("promotions.contribution", "=", id)
        .executeTakeFirst();
      return row && new Uint8Array(row.bytes); // a copy: a driver's buffer may be part of a pool
    },
    /** Their patches are public from now on: the ledger lets go of the bytes. */
    notePromoted(ids: readonly string[]): Promise<void> {
      return write(async (trx) => {
        for (const table of ["promotions", "waiting_bytes"] as const) {
          await trx
            .deleteFrom(table)
            .where("contribution", "in", [...ids])
            .execute();
        }
      });
    },
    /** Contributions that wait or were refused, by id from after `after` on. */
    async unmerged(after: string, limit: number): Promise<string[]> {
      const rows = await db
        .selectFrom("contributions")
        .select("id")
        .where("id", ">", after)
        .where("state", "in", [...WAITING, "refused"])
        .orderBy("id")
        .limit(limit)
        .execute();
      return rows.map(({ id }) => id);
    },
  };
}
