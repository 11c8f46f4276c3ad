import { sql } from "kysely";
import type { Write } from "./group-commit.ts";
import { addAudit } from "./maintainers.ts";

/** What an erasure took away, and what it could not. */
export type Erasure = {
  readonly contributions: number;
  readonly refusals: number;
  readonly tickets: number;
  readonly events: number;
  /** Contributions that a signed version names: they stay. */
  readonly kept: number;
};

export function erasureParts(write: Write) {
  return {
    /**
     * Delete all that the ledger knows of a banned contributor beside what signed versions name, in one commit with the audit
     * log. Null without a ban, which stays: what spoke against them goes, and nothing of theirs may wait meanwhile.
     */
    eraseContributor(
      contributor: string,
      { by, at }: { readonly by: string; readonly at: number },
    ): Promise<Erasure | null> {
      return write(async (trx) => {
        const bans = trx.selectFrom("bans").select("contributor");
        const ban = await bans.where("contributor", "=", contributor).executeTakeFirst();
        if (ban === undefined) return null;
        const unmerged = trx
          .selectFrom("contributions")
          .select("id")
          .where("contributor", "=", contributor)
          .where("state", "=", "refused");
        await trx.deleteFrom("spot_checks").where("contribution", "in", unmerged).execute();
        const contributions = await trx
          .deleteFrom("contributions")
          .where("contributor", "=", contributor)
          .where("state", "=", "refused")
          .executeTakeFirst();
        const refusals = await trx
          .deleteFrom("refusals")
          .where("contributor", "=", contributor)
          .executeTakeFirst();
        await trx
          .deleteFrom("suites")
          .where("contributor", "=", contributor)
          .where("state", "in", ["received", "waiting", "refused"]) // acts name the others
          .execute();
        await trx.deleteFrom("proposals").where("contributor", "=", contributor).execute();
        await trx.deleteFrom("jurors").where("contributor", "=", contributor).execute();
        await trx
          .updateTable("names")
          .set({ name: null, look: null })
          .where("contributor", "=", contributor)
          .execute();
        const named = trx
          .selectFrom("contributions")
          .select("ticket")
          .where("contributor", "=", contributor);
        const tickets = await trx
          .deleteFrom("tickets")
          .where("contributor", "=", contributor)
          .where("id", "not in", named)
          .executeTakeFirst();
        const events = await trx
          .deleteFrom("events")
          .where("type", "=", "contribution")
          .where(sql<boolean>`data like ${`%"contributor":"${contributor}"%`}`)
          .executeTakeFirst();
        const kept = await trx
          .selectFrom("contributions")
          .select((eb) => eb.fn.countAll<number>().as("kept"))
          .where("contributor", "=", contributor)
          .executeTakeFirstOrThrow();
        const erasure = {
          contributions: Number(contributions.numDeletedRows),
          refusals: Number(refusals.numDeletedRows),
          tickets: Number(tickets.numDeletedRows),
          events: Number(events.numDeletedRows),
          kept: Number(kept.kept),
        };
        const note = `${erasure.contributions} refused contributions; ${erasure.kept} in signed versions stay`;
        await addAudit(trx, { at, maintainer: by, action: "erase", subject: contributor, note });
        return erasure;
      });
    },
  };
}
