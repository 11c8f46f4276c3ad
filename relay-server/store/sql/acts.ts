import type { Kysely } from "kysely";
import type { ActRow, Tables } from "../tables.ts";
import type { Write } from "./group-commit.ts";
import { addAudit } from "./maintainers.ts";

/** A signed act that retires a model or takes that back, and who asked for it. */
export type Retiring = {
  readonly act: ActRow;
  /** Why the model is retired; null where it is not any more. */
  readonly retired: string | null;
  readonly reason: string;
  readonly maintainer: string;
  readonly at: number;
};

export function actParts(db: Kysely<Tables>, write: Write) {
  return {
    /** A model's acts, the first one first. */
    acts(model: string): Promise<ActRow[]> {
      return db
        .selectFrom("acts")
        .selectAll()
        .where("model", "=", model)
        .orderBy("number")
        .execute();
    },
    /** Enter an act with what it changes and the audit log, in one commit; false if another act has its number. */
    retire({ act, retired, reason, maintainer, at }: Retiring): Promise<boolean> {
      return write(async (trx) => {
        const entered = await trx
          .insertInto("acts")
          .values(act)
          .onConflict((conflict) => conflict.doNothing())
          .returning("number")
          .executeTakeFirst();
        if (entered === undefined) return false;
        const { model } = act;
        await trx.updateTable("models").set({ retired }).where("id", "=", model).execute();
        const action = retired === null ? "unretire" : "retire";
        await addAudit(trx, { at, maintainer, action, subject: model, note: reason });
        return true;
      });
    },
  };
}
