import type { Kysely } from "kysely";
import type { DismissalRequest, JudgeRequest } from "../../../core/protocol/schemas/judging.ts";
import type { JudgeRow, Tables } from "../tables.ts";
import type { Write } from "./group-commit.ts";
import { addAudit } from "./maintainers.ts";

type By = { readonly maintainer: string; readonly at: number };

export function judgeParts(db: Kysely<Tables>, write: Write) {
  return {
    /** Name a judge, or take back that it was dismissed, in one commit with the audit log. */
    nameJudge({ judge, name, reason, maintainer, at }: JudgeRequest & By): Promise<void> {
      return write(async (trx) => {
        const named = {
          name,
          maintainer,
          named_at: at,
          dismissed_at: null,
          dismissed_reason: null,
        };
        await trx
          .insertInto("judges")
          .values({ judge, ...named })
          .onConflict((conflict) => conflict.column("judge").doUpdateSet(named))
          .execute();
        const note = `${name}: ${reason}`;
        await addAudit(trx, { at, maintainer, action: "judge", subject: judge, note });
      });
    },
    /** Take no more answers of a judge, in one commit with the audit log; false if it is none. */
    dismissJudge({ judge, reason, maintainer, at }: DismissalRequest & By): Promise<boolean> {
      return write(async (trx) => {
        const dismissed = await trx
          .updateTable("judges")
          .set({ dismissed_at: at, dismissed_reason: reason })
          .where("judge", "=", judge)
          .where("dismissed_at", "is", null)
          .returning("judge")
          .executeTakeFirst();
        if (dismissed === undefined) return false;
        const action = "judge-dismissed";
        await addAudit(trx, { at, maintainer, action, subject: judge, note: reason });
        return true;
      });
    },
    async isJudge(judge: string): Promise<boolean> {
      const row = await db
        .selectFrom("judges")
        .select("judge")
        .where("judge", "=", judge)
        .where("dismissed_at", "is", null)
        .executeTakeFirst();
      return row !== undefined;
    },
    /** All that ever were, by when they were named. */
    judges(): Promise<JudgeRow[]> {
      return db.selectFrom("judges").selectAll().orderBy("named_at").orderBy("judge").execute();
    },
  };
}
