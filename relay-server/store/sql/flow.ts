import type { Kysely } from "kysely";
import type { ContributionRow, Tables } from "../tables.ts";

/** How far a contribution came, and when. */
export type FlowRow = Pick<
  ContributionRow,
  "state" | "reason_code" | "received_at" | "screened_at" | "scored_at" | "updated_at"
>;
/** Work that was refused before it was a contribution. */
export type DoorRefusal = { readonly code: string; readonly at: number };

export function flowParts(db: Kysely<Tables>) {
  const time = (value: number | null) => (value === null ? null : Number(value)); // PostgreSQL gives text
  return {
    /** A model's contributions since `since`, the newest first, at most `limit`. */
    async arrivals(model: string, since: number, limit: number): Promise<FlowRow[]> {
      const rows = await db
        .selectFrom("contributions")
        .select(["state", "reason_code", "received_at", "screened_at", "scored_at", "updated_at"])
        .where("model", "=", model)
        .where("received_at", ">=", since)
        .orderBy("received_at", "desc")
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        ...row,
        received_at: Number(row.received_at),
        screened_at: time(row.screened_at),
        scored_at: time(row.scored_at),
        updated_at: Number(row.updated_at),
      }));
    },
    /** What was refused at the door since `since`, of any model, the newest first, at most `limit`. */
    async doorRefusals(since: number, limit: number): Promise<DoorRefusal[]> {
      const rows = await db
        .selectFrom("refusals")
        .select(["code", "refused_at"])
        .where("refused_at", ">=", since)
        .orderBy("refused_at", "desc")
        .limit(limit)
        .execute();
      return rows.map(({ code, refused_at }) => ({ code, at: Number(refused_at) }));
    },
  };
}
