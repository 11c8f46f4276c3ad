import type { Kysely } from "kysely";
import type { Tables } from "../tables.ts";

/** A refused contribution, as far as it tells who was refused, and why. */
export type RefusedRow = {
  readonly id: string;
  readonly contributor: string;
  readonly code: string;
  readonly at: number;
};

/** Work that was decided or waits, and what made it. */
export type MadeRow = {
  readonly id: string;
  /** Null in work from before that was noted. */
  readonly device: string | null;
  readonly software: string | null;
  readonly isRefused: boolean;
  /** When it came. */
  readonly at: number;
};

/** Rows from two tables, newest first, and since when none is missing. */
type JoinedRows<Row> = { readonly rows: readonly Row[]; readonly since: number };

export function refusedWorkParts(db: Kysely<Tables>) {
  return {
    /** What was refused of a model since `since`: at the door, and later. At most `limit` of each. */
    async refusedWork(
      model: string,
      since: number,
      limit: number,
    ): Promise<JoinedRows<RefusedRow>> {
      const judged = await db
        .selectFrom("contributions")
        .select(["id", "contributor", "reason_code", "updated_at"])
        .where("model", "=", model)
        .where("state", "=", "refused")
        .where("updated_at", ">=", since)
        .orderBy("updated_at", "desc")
        .limit(limit)
        .execute();
      const atTheDoor = await db
        .selectFrom("refusals")
        .select(["id", "contributor", "code", "refused_at"])
        .where("model", "=", model)
        .where("refused_at", ">=", since)
        .orderBy("refused_at", "desc")
        .limit(limit)
        .execute();
      const later = judged.map(({ reason_code, updated_at, ...row }) => ({
        ...row,
        code: reason_code ?? "internal", // a refused row has one
        at: Number(updated_at),
      }));
      const first = atTheDoor.map(({ refused_at, ...row }) => ({ ...row, at: Number(refused_at) }));
      return join(later, first, { since, limit });
    },
    /**
     * What came of a model since `since` and what made it, refused at the door or entered. At most `limit` of each are read, and
     * none from before the time since when both are whole: else one with many rows would have the share of a shorter time.
     */
    async made(model: string, since: number, limit: number): Promise<MadeRow[]> {
      const entered = await db
        .selectFrom("contributions")
        .select(["id", "device", "software", "state", "received_at"])
        .where("model", "=", model)
        .where("received_at", ">=", since)
        .orderBy("received_at", "desc")
        .limit(limit)
        .execute();
      const atTheDoor = await db
        .selectFrom("refusals")
        .select(["id", "device", "software", "refused_at"])
        .where("model", "=", model)
        .where("refused_at", ">=", since)
        .orderBy("refused_at", "desc")
        .limit(limit)
        .execute();
      const inside = entered.map(({ state, received_at, ...row }) => ({
        ...row,
        isRefused: state === "refused",
        at: Number(received_at),
      }));
      const outside = atTheDoor.map(({ refused_at, ...row }) => ({
        ...row,
        isRefused: true,
        at: Number(refused_at),
      }));
      const joined = join(inside, outside, { since, limit });
      return joined.rows.filter(({ at }) => at >= joined.since);
    },
  };
}

/** Both, each newest first and cut at `limit`, as one list. */
function join<Row extends { readonly at: number }>(
  some: readonly Row[],
  others: readonly Row[],
  { since, limit }: { readonly since: number; readonly limit: number },
): JoinedRows<Row> {
  const wholeSince = [some, others].map((rows) => (rows.length < limit ? since : rows.at(-1)!.at));
  return {
    rows: [...some, ...others].sort((a, b) => b.at - a.at),
    since: Math.max(...wholeSince),
  };
}
