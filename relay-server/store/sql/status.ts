import { type Kysely, sql } from "kysely";
import type { WorkShare } from "../../../core/history/release-acts.ts";
import type { Tables } from "../tables.ts";
import { WAITING } from "./lives.ts";

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
};

export type ModelTotals = { readonly merged: number; readonly contributors: number };

export type LeaderboardRow = {
  readonly contributor: string;
  readonly credit: number;
  readonly merged: number;
  readonly lastMergedAt: number;
};

export function statusParts(db: Kysely<Tables>) {
  return {
    /** Reads what waits and the last day's work only, however long the history is. */
    async counts(model: string, now: number): Promise<ModelCounts> {
      const day = now - DAY_MS;
      const ofModel = db.selectFrom("contributions").where("model", "=", model);
      const waiting = await ofModel
        .select((eb) => [
          "state",
          eb.fn.countAll<number>().as("count"),
          eb.fn.min("received_at").as("oldest"),
        ])
        .where("state", "in", [...WAITING])
        .groupBy("state")
        .execute();
      const decided = await ofModel
        .select((eb) => ["state", eb.fn.countAll<number>().as("count")])
        .where("state", "in", ["merged", "refused"])
        .where("updated_at", ">=", day)
        .groupBy("state")
        .execute();
      const arrived = await ofModel
        .select((eb) => [
          eb.fn.countAll<number>().as("received24h"),
          eb.fn.coalesce(eb.fn.sum<number>("on_mask"), sql<number>`0`).as("onMask24h"),
        ])
        .where("received_at", ">=", day)
        .executeTakeFirstOrThrow();
      const last = await ofModel
        .select("updated_at")
        .where("state", "=", "merged")
        .orderBy("updated_at", "desc")
        .limit(1)
        .executeTakeFirst();
      const countOf = (rows: { state: string; count: number }[], ...states: string[]) =>
        rows.reduce(
          (sum, { state, count }) => sum + (states.includes(state) ? Number(count) : 0),
          0,
        );
      return {
        received: countOf(waiting, "received", "screened"),
        scored: countOf(waiting, "scored"),
        queued: countOf(waiting, "queued"),
        oldestReceivedAt:
          waiting.length === 0 ? null : Math.min(...waiting.map(({ oldest }) => Number(oldest))),
        merged24h: countOf(decided, "merged"),
        refused24h: countOf(decided, "refused"),
        received24h: Number(arrived.received24h),
        onMask24h: Number(arrived.onMask24h),
        lastMergeAt: last === undefined ? null : Number(last.updated_at),
      };
    },
    /** What was ever merged, by how many: a sum over contributors, not over their work. */
    async totals(model: string): Promise<ModelTotals> {
      const row = await db
        .selectFrom("credits")
        .select((eb) => [
          eb.fn.coalesce(eb.fn.sum<number>("merged"), sql<number>`0`).as("merged"),
          eb.fn.countAll<number>().as("contributors"),
        ])
        .where("model", "=", model)
        .executeTakeFirstOrThrow();
      return { merged: Number(row.merged), contributors: Number(row.contributors) };
    },
    /** Whose work a version and those before it merged, reverted or not: what never changes any more. */
    async contributorsUpTo(model: string, version: number): Promise<number> {
      const row = await db
        .selectFrom("contributions")
        .select((eb) => eb.fn.count<number>("contributor").distinct().as("contributors"))
        .where("model", "=", model)
        .where("version", "<=", version)
        .executeTakeFirstOrThrow();
      return Number(row.contributors);
    },
    /** Whose work is in a version, in any order: what never changes any more. */
    async workShares(model: string, version: number): Promise<WorkShare[]> {
      const rows = await db
        .selectFrom("contributions")
        .select((eb) => ["contributor", eb.fn.countAll<number>().as("contributions")])
        .where("model", "=", model)
        .where("version", "<=", version)
        .where("id", "not in", (eb) =>
          eb
            .selectFrom("reverts")
            .select("contribution")
            .where("model", "=", model)
            .where("version", "<=", version),
        )
        .groupBy("contributor")
        .execute();
      return rows.map(({ contributor, contributions }) => {
        return { contributor, contributions: Number(contributions) };
      });
    },
    /** Contributors by the credit of all their merged work. */
    async allTimeLeaderboard(model: string, limit: number): Promise<LeaderboardRow[]> {
      const rows = await db
        .selectFrom("credits")
        .selectAll()
        .where("model", "=", model)
        .orderBy("credit", "desc")
        .orderBy("contributor")
        .limit(limit)
        .execute();
      return rows.map(({ contributor, credit, merged, last_merged_at }) => {
        return { contributor, credit, merged, lastMergedAt: Number(last_merged_at) };
      });
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
