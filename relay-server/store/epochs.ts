import type { Kysely } from "kysely";
import type { EpochState } from "../../core/history/mask-epoch.ts";
import type { Tables } from "./tables.ts";
import { SPENT } from "./tickets.ts";

const MOST_A_KEY = 4; // its devices; so that nobody keeps others from work by asking for tickets all the time
const COMES_BACK_MS = 10 * 60_000; // a piece takes a minute; whoever is away longer will hardly come back

/** A key's tickets that may still come back. */
export type TicketsOut = {
  readonly contributor: string;
  readonly tickets: number;
  readonly hasDelivered: boolean;
};

/** How work and masks meet: what is out, and what came back in time. */
export function epochParts(db: Kysely<Tables>) {
  /**
   * Tickets that may still come back: not expired, handed out a short while ago. One that was spent counts on until then, or
   * refused work, which costs its sender nothing, would draw tickets without end.
   */
  function comingBack(model: string, now: number) {
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
  async function outstanding(model: string, now: number, firstBase = 0): Promise<number> {
    const rows = await comingBack(model, now)
      .select((eb) => eb.fn.countAll<number>().as("tickets"))
      .where("base", ">=", firstBase)
      .execute();
    return rows.reduce((sum, { tickets }) => sum + Math.min(MOST_A_KEY, Number(tickets)), 0);
  }

  return {
    outstanding,
    /** The same tickets by key, and whether any work of that key has passed judging, whatever the model. */
    async ticketsOut(model: string, now: number): Promise<TicketsOut[]> {
      const rows = await comingBack(model, now)
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
    /** The state of the mask that version `head` has. */
    async epoch(model: string, head: number, now: number): Promise<EpochState> {
      const versions = db.selectFrom("versions").where("model", "=", model);
      const before = await versions
        .select((eb) => eb.fn.max("number").as("number"))
        .where("number", "<=", head)
        .where("mask", "!=", versions.select("mask").where("number", "=", head))
        .executeTakeFirstOrThrow();
      const first = before.number === null ? 0 : Number(before.number) + 1;
      const work = await db
        .selectFrom("contributions")
        .select((eb) => eb.fn.countAll<number>().as("arrived"))
        .where("model", "=", model)
        .where("base", ">=", first)
        .where("on_mask", "=", 1)
        .executeTakeFirstOrThrow();
      return {
        versions: head - first + 1,
        arrived: Number(work.arrived),
        outstanding: await outstanding(model, now, first),
      };
    },
    /** The head's number, and whether work on version `base` has the mask that the head has now. */
    async headSeenFrom(
      model: string,
      base: number,
    ): Promise<{ readonly number: number; readonly hasMaskOfBase: boolean }> {
      const row = await db
        .selectFrom("models")
        .innerJoin("versions as head", (join) =>
          join.onRef("head.model", "=", "models.id").onRef("head.number", "=", "models.head"),
        )
        .innerJoin("versions as base", (join) =>
          join.onRef("base.model", "=", "models.id").on("base.number", "=", base),
        )
        .select((eb) => ["head.number", eb("base.mask", "=", eb.ref("head.mask")).as("same")])
        .where("models.id", "=", model)
        .executeTakeFirstOrThrow();
      return { number: Number(row.number), hasMaskOfBase: Boolean(row.same) };
    },
  };
}
