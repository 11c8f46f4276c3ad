import type { Kysely } from "kysely";
import type { EpochState } from "../../../core/history/mask-epoch.ts";
import type { Tables } from "../tables.ts";
import { countTicketsOut } from "./tickets-out.ts";

/** How work and masks meet: what is out, and what came back in time. */
export type HeadSeen = {
  readonly number: number;
  /** Why the model is retired; null where it is not. */
  readonly retired: string | null;
  readonly hasMaskOfBase: boolean;
};

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
    /** The head's number, and whether work on version `base` has the mask that the head has now. */
    async headSeenFrom(model: string, base: number): Promise<HeadSeen> {
      const row = await db
        .selectFrom("models")
        .innerJoin("versions as head", (join) =>
          join.onRef("head.model", "=", "models.id").onRef("head.number", "=", "models.head"),
        )
        .innerJoin("versions as base", (join) =>
          join.onRef("base.model", "=", "models.id").on("base.number", "=", base),
        )
        .select((eb) => [
          "head.number",
          "retired",
          eb("base.mask", "=", eb.ref("head.mask")).as("same"),
        ])
        .where("models.id", "=", model)
        .executeTakeFirstOrThrow();
      const { number, retired, same } = row;
      return { number: Number(number), retired, hasMaskOfBase: Boolean(same) };
    },
  };
}
