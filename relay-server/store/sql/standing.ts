import { type Kysely, sql } from "kysely";
import type { Tables } from "../tables.ts";

const DAY_MS = 24 * 3600_000;
const MOST_VERSIONS = 100;
const MOST_DAYS = 366;

/** A contributor's place among those of a model. */
export type CreditPlace = {
  readonly credit: number;
  readonly merged: number;
  readonly rank: number;
  /** Who has the place above; null for the first. */
  readonly above: { readonly contributor: string; readonly credit: number } | null;
};

/** What a contributor's merged work of one version or of one day comes to. */
export type MergedSum = { readonly at: number; readonly merged: number; readonly credit: number };

export function standingParts(db: Kysely<Tables>) {
  const mergedOf = (model: string, contributor: string) =>
    db
      .selectFrom("contributions")
      .where("contributor", "=", contributor)
      .where("model", "=", model)
      .where("state", "=", "merged");
  const sums = (rows: readonly { at: number | null; merged: number; credit: number }[]) =>
    rows.map(({ at, merged, credit }) => ({
      at: Number(at),
      merged: Number(merged),
      credit: Number(credit),
    }));

  return {
    /** Place by credit as the leaderboard of all time has it; undefined for those without merged work. */
    async standing(model: string, contributor: string): Promise<CreditPlace | undefined> {
      const credits = db.selectFrom("credits").where("model", "=", model);
      const own = await credits
        .select(["credit", "merged"])
        .where("contributor", "=", contributor)
        .executeTakeFirst();
      if (own === undefined) return undefined;
      const ahead = credits.where((eb) =>
        eb.or([
          eb("credit", ">", own.credit),
          eb.and([eb("credit", "=", own.credit), eb("contributor", "<", contributor)]),
        ]),
      );
      const { count } = await ahead
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .executeTakeFirstOrThrow();
      const above = await ahead
        .select(["contributor", "credit"])
        .orderBy("credit")
        .orderBy("contributor", "desc")
        .limit(1)
        .executeTakeFirst();
      return { ...own, rank: Number(count) + 1, above: above ?? null };
    },
    /** A contributor's merged work by version, newest first. */
    async mergedByVersion(model: string, contributor: string): Promise<MergedSum[]> {
      // computed, so that SQLite does not walk the model's whole history in this order
      const version = sql<number>`version + 0`;
      const rows = await mergedOf(model, contributor)
        .select((eb) => [
          version.as("at"),
          eb.fn.countAll<number>().as("merged"),
          eb.fn.sum<number>("credit").as("credit"),
        ])
        .groupBy(version)
        .orderBy(version, "desc")
        .limit(MOST_VERSIONS)
        .execute();
      return sums(rows);
    },
    /** A contributor's merged work by day, as the beginnings of UTC's days, the first one first. */
    async mergedByDay(model: string, contributor: string): Promise<MergedSum[]> {
      const day = sql<number>`updated_at - updated_at % ${sql.lit(DAY_MS)}`;
      const rows = await mergedOf(model, contributor)
        .select((eb) => [
          day.as("at"),
          eb.fn.countAll<number>().as("merged"),
          eb.fn.sum<number>("credit").as("credit"),
        ])
        .groupBy(day)
        .orderBy(day, "desc")
        .limit(MOST_DAYS)
        .execute();
      return sums(rows).reverse();
    },
    /** When a contributor's work of a model was merged first and last; null before. */
    async mergedSpan(model: string, contributor: string) {
      const span = await mergedOf(model, contributor)
        .select((eb) => [eb.fn.min("updated_at").as("first"), eb.fn.max("updated_at").as("last")])
        .executeTakeFirstOrThrow();
      const at = (value: number | null) => (value === null ? null : Number(value));
      return { first: at(span.first), last: at(span.last) };
    },
    /** A contributor's newest merged contributions of a model. */
    async newestMerged(model: string, contributor: string, limit: number): Promise<string[]> {
      const rows = await mergedOf(model, contributor)
        .select("id")
        .orderBy("updated_at", "desc")
        .orderBy("id")
        .limit(limit)
        .execute();
      return rows.map(({ id }) => id);
    },
  };
}
