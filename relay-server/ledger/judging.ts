import { type Kysely, sql, type Transaction } from "kysely";
import { NEWCOMER_MERGES } from "../../core/merge/multiplier.ts";
import { addEvents } from "./events.ts";
import type { Write } from "./group-commit.ts";
import { lifeOf } from "./lives.ts";
import type { ContributionRow, Tables } from "./tables.ts";

/** The stations of a contribution's life before it is decided, in their order; it may pass `scored` by. */
export type WaitingState = "received" | "screened" | "scored" | "queued";

export const WAITING: readonly WaitingState[] = ["received", "screened", "scored", "queued"];

/** A contribution that waits, without its bytes. */
export type Waiting = ContributionRow & {
  /**
   * Merges of the same contributor since judging last refused work of theirs, or a spot check failed; counted up to
   * NEWCOMER_MERGES, past which they make no difference.
   */
  readonly merged_before: number;
};

type Change = Partial<ContributionRow> & { readonly state: WaitingState };

/** Nothing happens if the contribution is not at one of `from` any more. */
async function moveOn(
  trx: Transaction<Tables>,
  id: string,
  from: readonly WaitingState[],
  change: Change,
): Promise<void> {
  const row = await trx
    .updateTable("contributions")
    .set(change)
    .where("id", "=", id)
    .where("state", "in", [...from])
    .returningAll()
    .executeTakeFirst();
  if (row !== undefined) await tellLives(trx, [row]);
}

/** A contribution that was judged by itself waits for a merge from now on. */
export function queueJudged(trx: Transaction<Tables>, id: string, at: number): Promise<void> {
  return moveOn(trx, id, ["screened", "scored"], { state: "queued", updated_at: at });
}

export function judgingParts(db: Kysely<Tables>, write: Write) {
  return {
    /** Contributions at one station, in the order in which they came to it, without those that a spot check is due of. */
    waiting(model: string, state: WaitingState, limit: number): Promise<Waiting[]> {
      return db
        .selectFrom("contributions")
        .selectAll("contributions")
        .select(mergesInARow.as("merged_before"))
        .where("model", "=", model)
        .where("state", "=", state)
        .where(({ exists, not, selectFrom }) =>
          not(
            exists(
              selectFrom("spot_checks")
                .select("contribution")
                .whereRef("contribution", "=", "contributions.id")
                .where("spot_checks.state", "=", "drawn"),
            ),
          ),
        )
        .orderBy("updated_at")
        .orderBy("id")
        .limit(limit)
        .execute()
        .then((rows) => rows.map((row) => ({ ...row, merged_before: Number(row.merged_before) })));
    },
    /** Norms of the work that was merged last, newest first. */
    async mergedNorms(model: string, limit: number): Promise<number[]> {
      const rows = await db
        .selectFrom("contributions")
        .select("norm")
        .where("model", "=", model)
        .where("state", "=", "merged")
        .orderBy("updated_at", "desc")
        .limit(limit)
        .execute();
      return rows.map(({ norm }) => norm);
    },
    /** It passed the screen; `agreement` is its z, null where there was no reference. */
    passScreen(id: string, agreement: number | null, at: number): Promise<void> {
      const change = { state: "screened", agreement, screened_at: at, updated_at: at } as const;
      return write((trx) => moveOn(trx, id, ["received"], change));
    },
    /** Its score was good. */
    passScore(id: string, score: number, at: number): Promise<void> {
      const change = { state: "scored", score, scored_at: at, updated_at: at } as const;
      return write((trx) => moveOn(trx, id, ["screened"], change));
    },
    /** It waits for a merge. */
    queue(id: string, at: number): Promise<void> {
      return write((trx) => queueJudged(trx, id, at));
    },
    /** Refuse contributions that wait; their bytes go. */
    refuseWaiting(
      ids: readonly string[],
      reason: { code: string; message: string },
      at: number,
    ): Promise<void> {
      return write(async (trx) => {
        const rows = await trx
          .updateTable("contributions")
          .set({
            state: "refused",
            reason_code: reason.code,
            reason_message: reason.message,
            updated_at: at,
          })
          .where("id", "in", [...ids])
          .where("state", "in", [...WAITING])
          .returningAll()
          .execute();
        await trx
          .deleteFrom("waiting_bytes")
          .where("contribution", "in", [...ids])
          .execute();
        await tellLives(trx, rows);
      });
    },
    /** Leave contributions in the queue for a later cohort, behind the others. */
    postpone(ids: readonly string[], at: number): Promise<void> {
      return write(async (trx) => {
        await trx
          .updateTable("contributions")
          .set((eb) => ({ postponed: eb("postponed", "+", 1), updated_at: at }))
          .where("id", "in", [...ids])
          .where("state", "=", "queued")
          .execute();
      });
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

/** Merged work of a row's contributor since the last that judging refused or that failed a spot check. */
const mergesInARow = sql<number>`(
  select count(*) from (
    select 1 from contributions as earlier
    where earlier.contributor = contributions.contributor and earlier.model = contributions.model
      and earlier.state = 'merged' and earlier.updated_at > coalesce((
        select max(refused.updated_at) from contributions as refused
        where refused.contributor = contributions.contributor and refused.model = contributions.model
          and refused.state = 'refused'), 0)
      and earlier.updated_at > coalesce((
        select max(failed.decided_at) from spot_checks as failed
        where failed.contributor = contributions.contributor and failed.model = contributions.model
          and failed.state = 'failed'), 0)
    limit ${sql.lit(NEWCOMER_MERGES)}) as enough)`;

async function tellLives(
  trx: Transaction<Tables>,
  rows: readonly ContributionRow[],
): Promise<void> {
  await addEvents(
    trx,
    rows.map((row) => ({ type: "contribution", data: { contribution: lifeOf(row) } })),
  );
}
