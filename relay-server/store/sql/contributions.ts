import type { Kysely, Transaction } from "kysely";
import type { Contribution } from "../../../core/protocol/schemas/contribution.ts";
import type { ContributionRow, RefusalRow, Tables } from "../tables.ts";
import { addEvents } from "./events.ts";
import type { Write } from "./group-commit.ts";
import { lifeOf } from "./lives.ts";
import { SPENT, USED, type UsedTicket, useTicket } from "./tickets.ts";

/** A ticket as work arrives with it, and where its model is just then. */
type ArrivingTicket = UsedTicket & {
  /** The number of the model's head. */
  readonly head: number;
  /** Why the model is retired; null where it is not. */
  readonly retired: string | null;
  /** Whether work on the ticket's version has the mask that the head has now. */
  readonly hasMaskOfHead: boolean;
};

/** What the ledger knows when work arrives: of the work itself, and of the ticket that it came with. */
export type Arrival = {
  readonly life: Contribution | undefined;
  readonly refusal: RefusalRow | undefined;
  readonly ticket: ArrivingTicket | undefined;
};

/** What became of an attempt to enter a contribution: the constraints decide, not a check before. */
export type Entry =
  | { readonly kind: "created" | "known"; readonly life: Contribution }
  | { readonly kind: "refused"; readonly code: "ticket-used" | "copied" | "banned" };

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
    /** Enter a contribution, its bytes and its event in one commit; the same id again finds the first. */
    enter(row: ContributionRow, bytes: Uint8Array): Promise<Entry> {
      return write(async (trx): Promise<Entry> => {
        const { contributor } = row;
        const bans = trx.selectFrom("bans").select("contributor");
        const ban = await bans.where("contributor", "=", contributor).executeTakeFirst();
        if (ban !== undefined) return { kind: "refused", code: "banned" };
        const inserted = await trx
          .insertInto("contributions")
          .values(row)
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
      return row && Uint8Array.from(row.bytes); // a copy: a driver's buffer may be part of a pool
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

async function arrivingTicket(
  db: Kysely<Tables>,
  id: string,
): Promise<Omit<ArrivingTicket, "used_by"> | undefined> {
  const row = await db
    .selectFrom("tickets")
    .innerJoin("models", "models.id", "tickets.model")
    .innerJoin("versions as base", (join) =>
      join.onRef("base.model", "=", "models.id").onRef("base.number", "=", "tickets.base"),
    )
    .innerJoin("versions as head", (join) =>
      join.onRef("head.model", "=", "models.id").onRef("head.number", "=", "models.head"),
    )
    .selectAll("tickets")
    .select((eb) => [
      "models.head",
      "models.retired",
      eb("base.mask", "=", eb.ref("head.mask")).as("same"),
    ])
    .where("tickets.id", "=", id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { same, ...ticket } = row;
  return { ...ticket, hasMaskOfHead: Boolean(same) };
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
