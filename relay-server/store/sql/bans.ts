import type { Kysely } from "kysely";
import type { BanRequest, UnbanRequest } from "../../../core/protocol/schemas/admin.ts";
import type { Tables } from "../tables.ts";
import type { Write } from "./group-commit.ts";
import { WAITING } from "./lives.ts";
import { addAudit } from "./maintainers.ts";
import { refuseProposalsOf } from "./proposals.ts";
import { refuseAllWaiting } from "./refusing.ts";
import { refuseSuitesOf } from "./suites.ts";

/** Who does it, and when. */
type Act = { readonly maintainer: string; readonly at: number };

export type WorkCounts = {
  readonly model: string;
  readonly waiting: number;
  readonly merged: number;
};

export function banParts(db: Kysely<Tables>, write: Write) {
  return {
    /**
     * Take no work of a contributor any more and refuse what waits of theirs, in one commit with the audit log. Returns
     * how much that was. Asked again, the newest reason counts.
     */
    ban({ contributor, reason, maintainer, at }: BanRequest & Act): Promise<number> {
      return write(async (trx) => {
        const row = { reason, maintainer, banned_at: at };
        await trx
          .insertInto("bans")
          .values({ contributor, ...row })
          .onConflict((conflict) => conflict.column("contributor").doUpdateSet(row))
          .execute();
        const why = { code: "banned", message: reason } as const;
        const refused = await refuseAllWaiting(trx, contributor, () => why, at);
        const banned = { message: `banned: ${reason}`, at };
        await refuseSuitesOf(trx, contributor, banned);
        await refuseProposalsOf(trx, contributor, banned);
        const note = `${reason} (${refused} that waited refused)`;
        await addAudit(trx, { at, maintainer, action: "ban", subject: contributor, note });
        return refused;
      });
    },
    /** Take work of a contributor again; without a ban nothing is done. */
    unban({ contributor, reason, maintainer, at }: UnbanRequest & Act): Promise<void> {
      return write(async (trx) => {
        const lifted = await trx
          .deleteFrom("bans")
          .where("contributor", "=", contributor)
          .returning("contributor")
          .executeTakeFirst();
        if (lifted === undefined) return;
        const action = "unban";
        await addAudit(trx, { at, maintainer, action, subject: contributor, note: reason });
      });
    },
    /** How much of a contributor's work waits and how much is merged, by model. */
    async workOf(contributor: string): Promise<WorkCounts[]> {
      const rows = await db
        .selectFrom("contributions")
        .select((eb) => ["model", "state", eb.fn.countAll<number>().as("count")])
        .where("contributor", "=", contributor)
        .where("state", "in", [...WAITING, "merged"])
        .groupBy(["model", "state"])
        .orderBy("model")
        .execute();
      const counts = new Map<string, { waiting: number; merged: number }>();
      for (const { model, state, count } of rows) {
        const work = counts.get(model) ?? { waiting: 0, merged: 0 };
        work[state === "merged" ? "merged" : "waiting"] += Number(count);
        counts.set(model, work);
      }
      return [...counts].map(([model, work]) => ({ model, ...work }));
    },
    /** Why a contributor is banned; undefined if they are not. */
    async banReason(contributor: string): Promise<string | undefined> {
      const row = await db
        .selectFrom("bans")
        .select("reason")
        .where("contributor", "=", contributor)
        .executeTakeFirst();
      return row?.reason;
    },
  };
}
