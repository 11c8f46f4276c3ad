import type { Kysely, Transaction } from "kysely";
import type { ModelRow, Tables, TicketRow } from "../tables.ts";
import type { Write } from "./group-commit.ts";
import { WAITING } from "./lives.ts";

/** Tickets, and refusals of work on them, are remembered so long after they expire: late work hears "expired", not "unknown". */
export const KEPT_AFTER_EXPIRY_MS = 7 * 24 * 3600_000;
const CLEANED_PER_TICKET = 2; // more than one, so that old tickets go faster than new ones come

export const USED = 1; // `used` of a ticket with which a contribution was made …
export const SPENT = 2; // … and of one whose work was refused before it was a contribution
const FORGOTTEN = 3; // … and of one whose contribution was decided long ago: it keeps its id, so that it is used once

/** A ticket, and the contribution that used it if there is one. */
export type UsedTicket = TicketRow & { readonly used_by: string | null };

/** How a model stands, and a contributor who asks for work on it. */
export type AskerStanding = Pick<ModelRow, "id" | "recipe" | "head" | "paused" | "retired"> & {
  /** Why the contributor is banned; null if they are not. */
  readonly banned: string | null;
  /** When their ticket that is the n-th newest of those not used was given out; null where there are fewer. */
  readonly unused: number | null;
  /** The same of those spent. */
  readonly spent: number | null;
};

/** Mark a ticket as used or spent inside a transaction; false if it was before. */
export async function useTicket(
  trx: Transaction<Tables>,
  id: string,
  used: typeof USED | typeof SPENT,
): Promise<boolean> {
  const marked = await trx
    .updateTable("tickets")
    .set({ used })
    .where("id", "=", id)
    .where("used", "=", 0)
    .returning("id")
    .executeTakeFirst();
  return marked !== undefined;
}

/** Forget what some tickets asked for that expired before `expiredBefore`, once their contributions are decided. */
async function forgetUsed(trx: Transaction<Tables>, expiredBefore: number): Promise<void> {
  const decided = trx
    .selectFrom("tickets")
    .select("tickets.id")
    .where("used", "=", USED)
    .where("expires_at", "<", expiredBefore)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom("contributions")
            .select("id")
            .whereRef("contributions.ticket", "=", "tickets.id")
            .where("state", "in", [...WAITING]),
        ),
      ),
    )
    .limit(CLEANED_PER_TICKET);
  const change = { used: FORGOTTEN, ticket: "" };
  await trx.updateTable("tickets").set(change).where("id", "in", decided).execute();
}

export function ticketOf(db: Kysely<Tables>, id: string): Promise<UsedTicket | undefined> {
  return db
    .selectFrom("tickets")
    .leftJoin("contributions", "contributions.ticket", "tickets.id")
    .selectAll("tickets")
    .select("contributions.id as used_by")
    .where("tickets.id", "=", id)
    .executeTakeFirst();
}

export function ticketParts(db: Kysely<Tables>, write: Write) {
  return {
    /** Record a ticket and that its shards were handed out. */
    issueTicket(ticket: TicketRow, shards: readonly number[]): Promise<void> {
      return write(async (trx) => {
        await trx.insertInto("tickets").values(ticket).execute();
        await trx
          .updateTable("shards")
          .set((eb) => ({ assigned: eb("assigned", "+", 1) }))
          .where("model", "=", ticket.model)
          .where("position", "in", [...shards])
          .execute();
        const forgotten = trx
          .selectFrom("tickets")
          .select("id")
          .where("used", "in", [0, SPENT]) // contributions keep theirs
          .where("expires_at", "<", ticket.issued_at - KEPT_AFTER_EXPIRY_MS)
          .limit(CLEANED_PER_TICKET);
        await trx.deleteFrom("tickets").where("id", "in", forgotten).execute();
        await forgetUsed(trx, ticket.issued_at - KEPT_AFTER_EXPIRY_MS);
      });
    },
    /** The ticket is spent by work that was refused, of its own contributor; nothing happens if it was used before. */
    spendTicket(id: string): Promise<void> {
      return write(async (trx) => void (await useTicket(trx, id, SPENT)));
    },
    /**
     * What is to be known of a model and of a contributor before a ticket is given out, in one call; undefined without such a
     * model. `nth` says which of the contributor's tickets count.
     */
    async standing(
      model: string,
      contributor: string,
      nth: { readonly unused: number; readonly spent: number },
    ): Promise<AskerStanding | undefined> {
      const issuedAt = (used: number, offset: number) =>
        db
          .selectFrom("tickets")
          .select("issued_at")
          .where("contributor", "=", contributor)
          .where("used", "=", used)
          .orderBy("issued_at", "desc")
          .offset(offset)
          .limit(1);
      const row = await db
        .selectFrom("models")
        .where("id", "=", model)
        .select(["id", "recipe", "head", "paused", "retired"])
        .select([
          db
            .selectFrom("bans")
            .select("reason")
            .where("contributor", "=", contributor)
            .as("banned"),
          issuedAt(0, nth.unused - 1).as("unused"),
          issuedAt(SPENT, nth.spent - 1).as("spent"),
        ])
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const number = (value: unknown) => (value === null ? null : Number(value));
      return { ...row, unused: number(row.unused), spent: number(row.spent) };
    },
    ticket: (id: string) => ticketOf(db, id),
  };
}
