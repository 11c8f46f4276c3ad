import type { Kysely } from "kysely";
import type { Tables } from "../tables.ts";
import { mergesInARow } from "./earlier-work.ts";
import type { Write } from "./group-commit.ts";
import { addAudit } from "./maintainers.ts";

/** What the relay found of a juror's answer. */
export type JurorFound = {
  readonly contributor: string;
  readonly examples: number;
  readonly isLie: boolean;
};

export function jurorParts(db: Kysely<Tables>, write: Write) {
  return {
    /**
     * Write down what jurors of a model answered. An honest answer is to their credit. After a lie their merges in a row count
     * from zero, as after a failed spot check, and the audit log says so; all in one commit.
     */
    noteJury(model: string, found: readonly JurorFound[], at: number): Promise<void> {
      return write(async (trx) => {
        for (const { contributor, examples, isLie } of found) {
          const row = { examples: isLie ? 0 : examples, lied_at: isLie ? at : null };
          await trx
            .insertInto("jurors")
            .values({ model, contributor, ...row })
            .onConflict((conflict) =>
              conflict.columns(["model", "contributor"]).doUpdateSet((eb) => ({
                examples: eb("jurors.examples", "+", row.examples),
                ...(isLie && { lied_at: at }),
              })),
            )
            .execute();
          if (!isLie) continue;
          const note = `${model}: its losses on a packet are not what the relay came to`;
          const entry = { at, maintainer: "the relay", subject: contributor, note };
          await addAudit(trx, { ...entry, action: "juror-lied" });
        }
      });
    },
    /** Merges of a contributor since judging last refused or caught them, counted up to NEWCOMER_MERGES. */
    async mergesInARowOf(model: string, contributor: string): Promise<number> {
      const row = await db
        .selectFrom("contributions")
        .select(mergesInARow.as("merges"))
        .where("model", "=", model)
        .where("contributor", "=", contributor)
        .limit(1)
        .executeTakeFirst();
      return Number(row?.merges ?? 0);
    },
    /** Examples that a contributor evaluated as a juror of a model. */
    async judgedExamples(model: string, contributor: string): Promise<number> {
      const row = await db
        .selectFrom("jurors")
        .select("examples")
        .where("model", "=", model)
        .where("contributor", "=", contributor)
        .executeTakeFirst();
      return Number(row?.examples ?? 0);
    },
  };
}
