import type { Kysely } from "kysely";
import type { Tables } from "../tables.ts";
import { comingBack } from "./tickets-out.ts";

/** How many there are, and whose the first ones are. */
export type Counted = { readonly count: number; readonly contributors: readonly string[] };

export function nowParts(db: Kysely<Tables>) {
  return {
    /** Contributors who hold unused tickets of a model that may still come back; the one who asked last comes first. */
    async atWork(model: string, now: number, limit: number): Promise<Counted> {
      const out = comingBack(db, model, now).where("used", "=", 0).select("contributor");
      const [rows, { count }] = await Promise.all([
        out
          .orderBy((eb) => eb.fn.max("issued_at"), "desc")
          .orderBy("contributor")
          .limit(limit)
          .execute(),
        db
          .selectFrom(out.as("out"))
          .select((eb) => eb.fn.countAll<number>().as("count"))
          .executeTakeFirstOrThrow(),
      ]);
      return { count: Number(count), contributors: rows.map(({ contributor }) => contributor) };
    },
    /** Work that waits for a model's next merge, the oldest first, and since when the first one waits. */
    async queued(
      model: string,
      limit: number,
    ): Promise<Counted & { readonly since: number | null }> {
      const waiting = db
        .selectFrom("contributions")
        .where("model", "=", model)
        .where("state", "=", "queued");
      const [rows, { count }] = await Promise.all([
        waiting.select(["contributor", "updated_at"]).orderBy("updated_at").limit(limit).execute(),
        waiting.select((eb) => eb.fn.countAll<number>().as("count")).executeTakeFirstOrThrow(),
      ]);
      return {
        count: Number(count),
        contributors: rows.map(({ contributor }) => contributor),
        since: rows[0] === undefined ? null : Number(rows[0].updated_at),
      };
    },
  };
}
