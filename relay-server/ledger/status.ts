import { type Kysely, sql } from "kysely";
import type { Tables } from "./tables.ts";

const DAY_MS = 24 * 3600_000;

/** What `GET /health` counts for one model. */
export type ModelCounts = {
  /** Not yet scored. */
  readonly received: number;
  readonly scored: number;
  readonly queued: number;
  readonly oldestReceivedAt: number | null;
  readonly lastMergeAt: number | null;
  readonly merged24h: number;
  readonly refused24h: number;
  /** Of `received24h`, those whose mask was the head's when they arrived. */
  readonly onMask24h: number;
  readonly received24h: number;
  readonly merged: number;
  readonly contributors: number;
};

export type LeaderboardRow = {
  readonly contributor: string;
  readonly credit: number;
  readonly merged: number;
  readonly lastMergedAt: number;
};

export function statusParts(db: Kysely<Tables>) {
  return {
    async counts(model: string, now: number): Promise<ModelCounts> {
      const day = now - DAY_MS;
      const number = (condition: ReturnType<typeof sql<boolean>>) =>
        sql<number>`coalesce(sum(case when ${condition} then 1 else 0 end), 0)`;
      const row = await db
        .selectFrom("contributions")
        .select((eb) => [
          number(sql`state in ('received', 'screened')`).as("received"),
          number(sql`state = 'scored'`).as("scored"),
          number(sql`state = 'queued'`).as("queued"),
          number(sql`state = 'merged'`).as("merged"),
          number(sql`state = 'merged' and updated_at >= ${day}`).as("merged24h"),
          number(sql`state = 'refused' and updated_at >= ${day}`).as("refused24h"),
          number(sql`received_at >= ${day} and on_mask = 1`).as("onMask24h"),
          number(sql`received_at >= ${day}`).as("received24h"),
          sql<
            number | null
          >`min(case when state in ('received', 'screened', 'scored', 'queued') then received_at end)`.as(
            "oldest",
          ),
          sql<number | null>`max(case when state = 'merged' then updated_at end)`.as("lastMergeAt"),
          eb.fn
            .count<number>(sql`case when state = 'merged' then contributor end`)
            .distinct()
            .as("contributors"),
        ])
        .where("model", "=", model)
        .executeTakeFirstOrThrow();
      return {
        received: Number(row.received),
        scored: Number(row.scored),
        queued: Number(row.queued),
        merged: Number(row.merged),
        merged24h: Number(row.merged24h),
        refused24h: Number(row.refused24h),
        onMask24h: Number(row.onMask24h),
        received24h: Number(row.received24h),
        oldestReceivedAt: row.oldest === null ? null : Number(row.oldest),
        lastMergeAt: row.lastMergeAt === null ? null : Number(row.lastMergeAt),
        contributors: Number(row.contributors),
      };
    },
    /** How many contributions are not yet judged by themselves. */
    async unscored(model: string): Promise<number> {
      const row = await db
        .selectFrom("contributions")
        .select((eb) => eb.fn.countAll<number>().as("waiting"))
        .where("model", "=", model)
        .where("state", "in", ["received", "screened", "scored"])
        .executeTakeFirstOrThrow();
      return Number(row.waiting);
    },
    /** Contributors by the credit of their merged work since `since`. */
    async leaderboard(model: string, since: number, limit: number): Promise<LeaderboardRow[]> {
      const rows = await db
        .selectFrom("contributions")
        .select((eb) => [
          "contributor",
          eb.fn.sum<number>("credit").as("credit"),
          eb.fn.countAll<number>().as("merged"),
          eb.fn.max("updated_at").as("lastMergedAt"),
        ])
        .where("model", "=", model)
        .where("state", "=", "merged")
        .where("updated_at", ">=", since)
        .groupBy("contributor")
        .orderBy("credit", "desc")
        .orderBy("contributor")
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        contributor: row.contributor,
        credit: Number(row.credit),
        merged: Number(row.merged),
        lastMergedAt: Number(row.lastMergedAt),
      }));
    },
  };
}
