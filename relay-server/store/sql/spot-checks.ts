import type { Kysely, Transaction } from "kysely";
import type { SpotCheck } from "../../../core/gate/spot-check.ts";
import type { RejectCode } from "../../../core/protocol/reject-codes.ts";
import type { ContributionRow, SpotCheckRow, Tables } from "../tables.ts";
import type { Write } from "./group-commit.ts";
import { queueJudged } from "./judging.ts";
import { WAITING } from "./lives.ts";
import { addAudit } from "./maintainers.ts";
import { type RefusalReason, refuseAllWaiting } from "./refusing.ts";

/** What a spot check found. */
export type SpotCheckResult = SpotCheck & { readonly contribution: string; readonly at: number };

/** A contributor who failed a check, and what of theirs is merged. */
export type CaughtWork = {
  readonly contributor: string;
  /** When a check failed last. */
  readonly at: number;
  /** Newest version first. */
  readonly contributions: readonly string[];
};

const MOST_CAUGHT = 20; // keys, and contributions of each: what a maintainer can look through
const CODE: RejectCode = "spot-check-failed";
const OTHERS =
  "other work of the same contributor was trained a second time and came out differently";

export function spotCheckParts(db: Kysely<Tables>, write: Write) {
  return {
    /**
     * Remember that the lot fell on a contribution: it is not queued before its check was passed. Checks of what was
     * decided otherwise are forgotten.
     */
    drawSpotCheck(
      { id, model, contributor }: Pick<ContributionRow, "id" | "model" | "contributor">,
      at: number,
    ): Promise<void> {
      return write(async (trx) => {
        const row = { contribution: id, model, contributor, state: "drawn", drawn_at: at };
        await trx
          .insertInto("spot_checks")
          .values({ ...row, cosine: null, norm_ratio: null, decided_at: null })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        await trx
          .deleteFrom("spot_checks")
          .where("state", "=", "drawn")
          .where(({ exists, not, selectFrom }) =>
            not(
              exists(
                selectFrom("contributions")
                  .select("contributions.id")
                  .whereRef("contributions.id", "=", "spot_checks.contribution")
                  .where("contributions.state", "in", [...WAITING]),
              ),
            ),
          )
          .execute();
      });
    },
    /** Of a model's contributions that wait for their check, the one that was drawn first, without `except`. */
    nextSpotCheck(
      model: string,
      except: readonly string[] = [],
    ): Promise<ContributionRow | undefined> {
      return db
        .selectFrom("spot_checks")
        .innerJoin("contributions", "contributions.id", "spot_checks.contribution")
        .selectAll("contributions")
        .where("spot_checks.state", "=", "drawn")
        .where("spot_checks.model", "=", model)
        .where("contributions.state", "in", [...WAITING])
        .$if(except.length > 0, (query) => query.where("contributions.id", "not in", [...except]))
        .orderBy("spot_checks.drawn_at")
        .orderBy("spot_checks.contribution")
        .executeTakeFirst();
    },
    /** Whether any of a contributor's work has failed a check. */
    async hasFailedSpotCheck(contributor: string): Promise<boolean> {
      const row = await db
        .selectFrom("spot_checks")
        .select("contribution")
        .where("contributor", "=", contributor)
        .where("state", "=", "failed")
        .limit(1)
        .executeTakeFirst();
      return row !== undefined;
    },
    /** Who failed a check, of any model, and has work in this one, the newest first. */
    async caughtWork(model: string): Promise<CaughtWork[]> {
      const keys = await db
        .selectFrom("spot_checks")
        .select((eb) => ["contributor", eb.fn.max("decided_at").as("at")])
        .where("state", "=", "failed")
        .where(({ exists, selectFrom }) =>
          exists(
            selectFrom("contributions")
              .select("contributions.id")
              .whereRef("contributions.contributor", "=", "spot_checks.contributor")
              .where("contributions.model", "=", model)
              .where("contributions.state", "=", "merged"),
          ),
        )
        .groupBy("contributor")
        .orderBy("at", "desc")
        .orderBy("contributor")
        .limit(MOST_CAUGHT)
        .execute();
      const caught: CaughtWork[] = [];
      for (const { contributor, at } of keys) {
        const merged = await db
          .selectFrom("contributions")
          .select("id")
          .where("contributor", "=", contributor)
          .where("model", "=", model)
          .where("state", "=", "merged")
          .orderBy("version", "desc")
          .orderBy("id")
          .limit(MOST_CAUGHT)
          .execute();
        caught.push({ contributor, at: Number(at), contributions: merged.map(({ id }) => id) });
      }
      return caught;
    },
    /** Write down what was found, and queue the contribution. */
    passSpotCheck(result: SpotCheckResult): Promise<void> {
      return write(async (trx) => {
        const passed = await decide(trx, result, "passed");
        if (passed !== undefined) await queueJudged(trx, result.contribution, result.at);
      });
    },
    /**
     * Refuse everything that waits of the contributor, the checked contribution among it for `reason`, and write the audit
     * log, in one commit. From then on their merges in a row count from zero.
     */
    failSpotCheck(result: SpotCheckResult, reason: RefusalReason): Promise<void> {
      return write(async (trx) => {
        const failed = await decide(trx, result, "failed");
        if (failed === undefined) return;
        const { contribution, at } = result;
        const others = { code: CODE, message: OTHERS };
        const reasonOf = (id: string) => (id === contribution ? reason : others);
        const refused = await refuseAllWaiting(trx, failed.contributor, reasonOf, at);
        const note = `${failed.model}, by ${failed.contributor}: ${foundIn(result)}; ${refused} that waited refused`;
        const entry = { at, maintainer: "the relay", subject: contribution, note };
        await addAudit(trx, { ...entry, action: CODE });
      });
    },
  };
}

/** What was found, in figures. */
function foundIn({ maskShare, similarity }: SpotCheck): string {
  if (similarity === null) return `${(100 * (maskShare ?? 0)).toFixed(1)}% of its mask`;
  return `cosine ${similarity.cosine.toFixed(3)}, length ${similarity.normRatio.toFixed(3)}`;
}

/** Write down what was found; undefined if that was done before. */
function decide(
  trx: Transaction<Tables>,
  { contribution, similarity, at }: SpotCheckResult,
  state: "passed" | "failed",
): Promise<Pick<SpotCheckRow, "contributor" | "model"> | undefined> {
  return trx
    .updateTable("spot_checks")
    .set({
      state,
      cosine: similarity?.cosine ?? null,
      norm_ratio: similarity?.normRatio ?? null,
      decided_at: at,
    })
    .where("contribution", "=", contribution)
    .where("state", "=", "drawn")
    .returning(["contributor", "model"])
    .executeTakeFirst();
}
