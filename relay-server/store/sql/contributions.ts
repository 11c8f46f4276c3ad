import type { Kysely, Transaction } from "kysely";
import type { Contribution } from "../../../core/protocol/schemas/contribution.ts";
import type { ContributionRow, RefusalRow, Tables } from "../tables.ts";
import { addEvents } from "./events.ts";
import type { Write } from "./group-commit.ts";
import { lifeOf } from "./lives.ts";
import { type ArrivingTicket, arrivingTicket, type PresentModel, presentFor } from "./present.ts";
import { SPENT, USED, useTicket } from "./tickets.ts";

/** What the ledger knows when work arrives: of the work itself, and of the ticket that it came with. */
export type Arrival = {
  readonly life: Contribution | undefined;
  readonly refusal: RefusalRow | undefined;
  readonly ticket: ArrivingTicket | undefined;
};

/** What became of an attempt to enter a contribution: the constraints decide, not a check before. */
export type Entry =
  | { readonly kind: "created" | "known"; readonly life: Contribution }
  | { readonly kind: "refused"; readonly code: "ticket-used" | "copied" | "banned" }
  | { readonly kind: "late"; readonly present: PresentModel };

const CLEANED_PER_REFUSAL = 2; // more than one, so that old ones go faster than new ones come

export function contributionParts(db: Kysely<Tables>, write: Write) {
  async function lifeOfId(id: string): Promise<Contribution | undefined> {
    const all = db.selectFrom("contributions").selectAll();
    const row = await all.where("id", "=", id).executeTakeFirst();
    return row && lifeOf(row);
  }
  function refusalOf(id: string): Promise<RefusalRow | undefined> {
    return db.selectFrom("refusals").selectAll().where("id", "=", id).executeTakeFirst();
  }
  return {
    /**
     * All that has to be known about work `id` that comes with `ticket`, in one call. With a ticket that is not used yet
     * nothing came before.
     */
    async arrival(id: string, ticket: string): Promise<Arrival> {
      const found = await arrivingTicket(db, ticket);
      if (found?.used === 0) {
        return { life: undefined, refusal: undefined, ticket: { ...found, used_by: null } };
      }
      const [life, refusal, user] = await Promise.all([
        lifeOfId(id),
        refusalOf(id),
        db.selectFrom("contributions").select("id").where("ticket", "=", ticket).executeTakeFirst(),
      ]);
      return { life, refusal, ticket: found && { ...found, used_by: user?.id ?? null } };
    },
    /**
     * Enter a contribution, its bytes and its event in one commit; the same id again finds the first. It is late, and its
     * ticket spent, where the model is retired in that commit or its head more than `stalenessLimit` versions past the base.
     */
    enter(row: ContributionRow, bytes: Uint8Array, stalenessLimit: number): Promise<Entry> {
      return write(async (trx): Promise<Entry> => {
        const { isBanned, hasMaskOfHead, ...present } = await presentFor(trx, row);
        if (isBanned) return { kind: "refused", code: "banned" };
        const isStale = present.head - row.base > stalenessLimit;
        if (isStale || present.retired !== null) return await refuseLate(trx, row, present);
        const inserted = await trx
          .insertInto("contributions")
          .values({ ...row, on_mask: hasMaskOfHead ? row.on_mask : 0 })
          .onConflict((conflict) => conflict.doNothing())
          .returning("id")
          .executeTakeFirst();
        if (inserted === undefined) return await conflictOf(trx, row);
        if (!(await useTicket(trx, row.ticket, USED))) throw new TicketUsedError(row.ticket);
        await trx.insertInto("waiting_bytes").values({ contribution: row.id, bytes }).execute();
        const life = lifeOf(row);
        addEvents(trx, [{ type: "contribution", data: { contribution: life } }]);
        return { kind: "created", life };
      }).catch((error: unknown) => {
        if (error instanceof TicketUsedError) return { kind: "refused", code: "ticket-used" };
        throw error;
      });
    },
    contribution: lifeOfId,
    /** A contributor's latest contributions, newest first. */
    async contributionsOf(contributor: string, limit: number): Promise<Contribution[]> {
      const rows = await db
        .selectFrom("contributions")
        .selectAll()
        .where("contributor", "=", contributor)
        .orderBy("received_at", "desc")
        .limit(limit)
        .execute();
      return rows.map(lifeOf);
    },
    /** The bytes of a contribution that waits, or that is merged and not promoted; undefined after that. */
    async waitingBytes(id: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
      const row = await db
        .selectFrom("waiting_bytes")
        .select("bytes")
        .where("contribution", "=", id)
        .executeTakeFirst();
      return row && new Uint8Array(row.bytes); // a copy: a driver's buffer may be part of a pool
    },
    /**
     * Remember a refusal at the door, so that it repeats, and that its ticket is spent by it; a ticket that was used before
     * makes none. Forget some of those from before `forgottenBefore`.
     */
    recordRefusal(row: RefusalRow, ticket: string, forgottenBefore: number): Promise<void> {
      return write(async (trx) => {
        if (!(await useTicket(trx, ticket, SPENT))) return;
        const forgotten = trx
          .selectFrom("refusals")
          .select("id")
          .where("refused_at", "<", forgottenBefore)
          .limit(CLEANED_PER_REFUSAL);
        await trx.deleteFrom("refusals").where("id", "in", forgotten).execute();
        await trx.insertInto("refusals").values(row).execute();
      });
    },
    refusal: refusalOf,
  };
}

/** The answer to work that came too late; what was entered before is known all the same. */
async function refuseLate(
  trx: Transaction<Tables>,
  { id, ticket }: ContributionRow,
  present: PresentModel,
): Promise<Entry> {
  const all = trx.selectFrom("contributions").selectAll();
  const same = await all.where("id", "=", id).executeTakeFirst();
  if (same !== undefined) return { kind: "known", life: lifeOf(same) };
  await useTicket(trx, ticket, SPENT);
  return { kind: "late", present };
}

/** Undoes the entry of work whose ticket a refusal spent at the same moment. */
class TicketUsedError extends Error {}

async function conflictOf(trx: Transaction<Tables>, row: ContributionRow): Promise<Entry> {
  const all = trx.selectFrom("contributions").selectAll();
  const same = await all.where("id", "=", row.id).executeTakeFirst();
  if (same !== undefined) return { kind: "known", life: lifeOf(same) };
  const used = await all.where("ticket", "=", row.ticket).executeTakeFirst();
  return { kind: "refused", code: used === undefined ? "copied" : "ticket-used" };
}
