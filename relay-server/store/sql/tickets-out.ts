import type { Kysely } from "kysely";
import type { Tables } from "../tables.ts";
import { SPENT } from "./tickets.ts";

const MOST_A_KEY = 4; // its devices; so that nobody keeps others from work by asking for tickets all the time
const COMES_BACK_MS = 10 * 60_000; // a piece takes a minute; whoever is away longer will hardly come back

/** A key's tickets that may still come back. */
export type TicketsOut = {
  readonly contributor: string;
  readonly tickets: number;
  readonly hasDelivered: boolean;
};

export function ticketsOutParts(db: Kysely<Tables>) {
  return {
    /** Tickets of a model that may still come back, a few a contributor. */
    outstanding(model: string, now: number): Promise<number> {
      return countTicketsOut(db, model, now);
    },
    /** Tickets that may still come back by key, and whether any work of that key has passed judging, whatever the model. */
    async ticketsOut(model: string, now: number): Promise<TicketsOut[]> {
      const rows = await comingBack(db, model, now)
        .select((eb) => [
          "contributor",
          eb.fn.countAll<number>().as("tickets"),
          eb
            .exists(
              eb
                .selectFrom("contributions")
                .select("id")
                .whereRef("contributions.contributor", "=", "tickets.contributor")
                .where("state", "in", ["queued", "merged"]),
            )
            .as("delivered"),
        ])
        .execute();
      return rows.map(({ contributor, tickets, delivered }) => ({
        contributor,
        tickets: Number(tickets),
        hasDelivered: Boolean(delivered),
      }));
    },
  };
}

/**
 * Tickets that may still come back: not expired, handed out a short while ago. One that was spent counts on until then, or
 * refused work, which costs its sender nothing, would draw tickets without end.
 */
export function comingBack(db: Kysely<Tables>, model: string, now: number) {
  return db
    .selectFrom("tickets")
    .where("model", "=", model)
    .where("issued_at", ">", now - COMES_BACK_MS)
    .where("issued_at", "<=", now) // after the clock was set back nobody waits for those from "later"
    .where("expires_at", ">", now)
    .where("used", "in", [0, SPENT])
    .groupBy("contributor");
}

/** How many of these there are, a few a contributor, on versions from `firstBase` on. */
export async function countTicketsOut(
  db: Kysely<Tables>,
  model: string,
  now: number,
  firstBase = 0,
): Promise<number> {
  const rows = await comingBack(db, model, now)
    .select((eb) => eb.fn.countAll<number>().as("tickets"))
    .where("base", ">=", firstBase)
    .execute();
  return rows.reduce((sum, { tickets }) => sum + Math.min(MOST_A_KEY, Number(tickets)), 0);
}
