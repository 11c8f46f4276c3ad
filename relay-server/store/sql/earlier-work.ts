import { type Kysely, sql } from "kysely";
import type { VainWork } from "../../../core/gate/resting.ts";
import { NEWCOMER_MERGES } from "../../../core/merge/multiplier.ts";
import type { ContributionRow, Tables } from "../tables.ts";
import { WAITING } from "./lives.ts";

/** What judging a contribution asks about the work that came before it. */
export function earlierWorkParts(db: Kysely<Tables>) {
  return {
    /** Norms of the work that was merged last, newest version first. */
    async mergedNorms(model: string, limit: number): Promise<number[]> {
      const rows = await db
        .selectFrom("contributions")
        .select("norm")
        .where("model", "=", model)
        .where("state", "=", "merged")
        .where("version", "is not", null) // what is merged has one; PostgreSQL would put nulls first
        .orderBy("version", "desc")
        .orderBy("id", "desc")
        .limit(limit)
        .execute();
      return rows.map(({ norm }) => norm);
    },
    /** Work on the version `base` in which there was nothing to gain, and when the last of it was turned away. */
    async vainWork(model: string, base: number): Promise<VainWork> {
      const row = await db
        .selectFrom("contributions")
        .select((eb) => [
          eb.fn.countAll<number>().as("count"),
          eb.fn.max("updated_at").as("lastAt"),
        ])
        .where("model", "=", model)
        .where("base", "=", base)
        .where("state", "=", "refused")
        .where("reason_code", "=", "no-gain")
        .executeTakeFirstOrThrow();
      return { count: Number(row.count), lastAt: Number(row.lastAt ?? 0) };
    },
    /** Work on the same mask that came before this, waits or was merged, newest first. */
    async earlierOnMask(
      {
        id,
        model,
        base,
        received_at,
      }: Pick<ContributionRow, "id" | "model" | "base" | "received_at">,
      limit: number,
    ): Promise<Pick<ContributionRow, "id" | "contributor">[]> {
      const versions = db.selectFrom("versions").where("model", "=", model);
      const { mask } = await versions
        .select("mask")
        .where("number", "=", base)
        .executeTakeFirstOrThrow();
      const ofModel = db
        .selectFrom("contributions")
        .select(["id", "contributor"])
        .where("model", "=", model);
      // where masks are the contributors' own, all versions have the same: what came last is found without them
      const isOwn = JSON.parse(mask).kind === "own";
      const onMask = isOwn
        ? ofModel
        : ofModel.where("base", "in", versions.select("number").where("mask", "=", mask));
      return (
        onMask
          .where("state", "in", [...WAITING, "merged"])
          .where(sql<boolean>`(received_at, id) < (${received_at}, ${id})`)
          // a sum, so that SQLite looks the mask's few versions up and does not walk back through the whole history
          .orderBy(isOwn ? "received_at" : sql`+received_at`, "desc")
          .orderBy("id", "desc")
          .limit(limit)
          .execute()
      );
    },
  };
}

/** Merged work of a row's contributor since the last that judging refused, that failed a spot check, or that a lie as a juror followed. */
export const mergesInARow = sql<number>`(
  select count(*) from (
    select 1 from contributions as earlier
    where earlier.contributor = contributions.contributor and earlier.model = contributions.model
      and earlier.state = 'merged' and earlier.updated_at > coalesce((
        select refused.updated_at from contributions as refused
        where refused.contributor = contributions.contributor and refused.model = contributions.model
          and refused.state = 'refused' and refused.reason_code not in ('judging-failed', 'no-gain')
        order by refused.updated_at desc limit 1), 0)
      and earlier.updated_at > coalesce((
        select max(failed.decided_at) from spot_checks as failed
        where failed.contributor = contributions.contributor and failed.model = contributions.model
          and failed.state = 'failed'), 0)
      and earlier.updated_at > coalesce((
        select jurors.lied_at from jurors
        where jurors.contributor = contributions.contributor and jurors.model = contributions.model), 0)
    limit ${sql.lit(NEWCOMER_MERGES)}) as enough)`;
