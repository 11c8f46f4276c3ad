import type { ExpressionBuilder, Kysely } from "kysely";
import type { RejectCode } from "../../../core/protocol/reject-codes.ts";
import type { ContributionRow, Tables } from "../tables.ts";
import { mergesInARow } from "./earlier-work.ts";
import { addEvents } from "./events.ts";
import type { Write, Writing } from "./group-commit.ts";
import { lifeOf, WAITING, type WaitingState } from "./lives.ts";
import { addAudit } from "./maintainers.ts";
import { type RefusalReason, refuseThose } from "./refusing.ts";

/** A contribution that waits, without its bytes. */
export type WaitingContribution = ContributionRow & {
  /**
   * Merges of the same contributor since judging last refused work of theirs, a spot check failed, or they lied as a juror; counted up to
   * NEWCOMER_MERGES, past which they make no difference.
   */
  readonly merged_before: number;
};

const SET_ASIDE: RejectCode = "judging-failed";

/** A contribution that the relay cannot judge, and why. */
export type SetAside = { readonly contribution: string; readonly error: string };

type Change = Partial<ContributionRow> & { readonly state: WaitingState };

/** Nothing happens if the contribution is not at one of `from` any more. */
async function moveOn(
  trx: Writing,
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
  if (row !== undefined) tellLives(trx, [row]);
}

/** A contribution that was judged by itself waits for a merge from now on. */
export function queueJudged(trx: Writing, id: string, at: number): Promise<void> {
  return moveOn(trx, id, ["screened", "scored"], { state: "queued", updated_at: at });
}

/** Of a contribution: no spot check is due of it. */
const hasNoSpotCheckDue = ({
  exists,
  not,
  selectFrom,
}: ExpressionBuilder<Tables, "contributions">) =>
  not(
    exists(
      selectFrom("spot_checks")
        .select("contribution")
        .whereRef("contribution", "=", "contributions.id")
        .where("spot_checks.state", "=", "drawn"),
    ),
  );

export function judgingParts(db: Kysely<Tables>, write: Write) {
  return {
    /**
     * Contributions at one station, in the order in which they came to it, without `except` and those that a spot check is
     * due of.
     */
    waiting(
      model: string,
      state: WaitingState,
      limit: number,
      except: readonly string[] = [],
    ): Promise<WaitingContribution[]> {
      return db
        .selectFrom("contributions")
        .selectAll("contributions")
        .select(mergesInARow.as("merged_before"))
        .where("model", "=", model)
        .where("state", "=", state)
        .$if(except.length > 0, (query) => query.where("id", "not in", [...except]))
        .where(hasNoSpotCheckDue)
        .orderBy("updated_at")
        .orderBy("id")
        .limit(limit)
        .execute()
        .then((rows) => rows.map((row) => ({ ...row, merged_before: Number(row.merged_before) })));
    },
    /** How many contributions wait for judging or for a merge, without those that a spot check is due of. */
    async undecided(model: string): Promise<number> {
      const row = await db
        .selectFrom("contributions")
        .select((eb) => eb.fn.countAll<number>().as("waiting"))
        .where("model", "=", model)
        .where("state", "in", [...WAITING])
        .where(hasNoSpotCheckDue)
        .executeTakeFirstOrThrow();
      return Number(row.waiting);
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
    refuseWaiting(ids: readonly string[], reason: RefusalReason, at: number): Promise<void> {
      return write(async (trx) => void (await refuseThose(trx, ids, reason, at)));
    },
    /**
     * The relay failed at judging a contribution again and again: it is refused, at no cost to its contributor's standing, and
     * the audit log says why, in one commit.
     */
    setAside({ contribution, error }: SetAside, at: number): Promise<void> {
      return write(async (trx) => {
        const message = `the relay failed three times at judging it (${error})`;
        const [row] = await refuseThose(trx, [contribution], { code: SET_ASIDE, message }, at);
        if (row === undefined) return;
        const note = `${row.model}, by ${row.contributor}: ${error}`;
        const entry = { at, maintainer: "the relay", subject: contribution, note };
        await addAudit(trx, { ...entry, action: SET_ASIDE });
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
  };
}

function tellLives(trx: Writing, rows: readonly ContributionRow[]): void {
  addEvents(
    trx,
    rows.map((row) => ({ type: "contribution", data: { contribution: lifeOf(row) } })),
  );
}
