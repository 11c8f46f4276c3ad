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
};

export function refusedWorkParts(db: Kysely<Tables>) {
  return {
    /** What was refused since `since`, newest first: at the door, of any model, and later, of this one. At most `limit` of each. */
    async refusedWork(model: string, since: number, limit: number): Promise<RefusedRow[]> {
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
        .where("refused_at", ">=", since)
        .orderBy("refused_at", "desc")
        .limit(limit)
        .execute();
      return [
        ...judged.map((row) => ({
          id: row.id,
          contributor: row.contributor,
          code: row.reason_code ?? "internal", // a refused row has one
          at: Number(row.updated_at),
        })),
        ...atTheDoor.map(({ refused_at, ...row }) => ({ ...row, at: Number(refused_at) })),
      ].sort((a, b) => b.at - a.at);
    },
    /** What came since `since` and what made it, newest first: of this model, then what the door refused of any. At most `limit` of each. */
    async made(model: string, since: number, limit: number): Promise<MadeRow[]> {
      const entered = await db
        .selectFrom("contributions")
        .select(["id", "device", "software", "state"])
        .where("model", "=", model)
        .where("received_at", ">=", since)
        .orderBy("received_at", "desc")
        .limit(limit)
        .execute();
      const atTheDoor = await db
        .selectFrom("refusals")
        .select(["id", "device", "software"])
        .where("refused_at", ">=", since)
        .orderBy("refused_at", "desc")
        .limit(limit)
        .execute();
      return [
        ...entered.map(({ state, ...row }) => ({ ...row, isRefused: state === "refused" })),
        ...atTheDoor.map((row) => ({ ...row, isRefused: true })),
      ];
    },
  };
}
