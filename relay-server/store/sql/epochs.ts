import type { Kysely } from "kysely";
import type { EpochState } from "../../../core/history/mask-epoch.ts";
import type { Tables } from "../tables.ts";
import { countTicketsOut } from "./tickets-out.ts";

/** How work and masks meet: what is out, and what came back in time. */
export function epochParts(db: Kysely<Tables>) {
  return {
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
        outstanding: await countTicketsOut(db, model, now, first),
      };
    },
  };
}
