import type { Kysely, Transaction } from "kysely";
import type { Shard } from "../../../core/protocol/schemas/ticket.ts";
import type { ActRow, Tables } from "../tables.ts";
import type { Write } from "./group-commit.ts";
import { addAudit } from "./maintainers.ts";
import { insertShards } from "./shard-rows.ts";

/** A signed act, and who asked for it. */
export type Acting = {
  readonly act: ActRow;
  /** Number of the newest version, as the act has it. */
  readonly head: number;
  readonly reason: string;
  readonly maintainer: string;
  readonly at: number;
};

/** A signed act that retires a model or takes that back. */
export type Retiring = Acting & {
  /** Why the model is retired; null where it is not any more. */
  readonly retired: string | null;
};

/**
 * A signed act that gives a model the recipe in `recipe`, as JSON. It was looked at against the recipe whose text is `before`, and
 * against the suites in force, by id.
 */
export type RecipeChanging = Acting & {
  readonly before: string;
  readonly suites: readonly string[];
  readonly recipe: string;
};

/**
 * A signed act that gives a model shards beside those that it has, as the addition of that id. They were compared with all of
 * them, and with the suites that people proposed, by id.
 */
export type DataAdding = Acting & {
  readonly addition: string;
  readonly suites: readonly string[];
  readonly shards: readonly Shard[];
};

/** Names the act that entered an addition of data. */
const dataSetting = (addition: string) => `data ${addition}`;

/**
 * Enter an act inside the transaction that does what it says, with the audit log's line, whose number it returns; null if
 * another act has its number, or the model's newest version is another by now. `note` is the reason, or a sentence around it.
 */
export async function enterAct(
  trx: Transaction<Tables>,
  { act, head, reason, maintainer, at }: Acting,
  action: string,
  note = reason,
): Promise<number | null> {
  const { model } = act;
  if (Number((await modelRow(trx, model))?.head) !== head) return null;
  const entered = await trx
    .insertInto("acts")
    .values(act)
    .onConflict((conflict) => conflict.doNothing())
    .returning("number")
    .executeTakeFirst();
  if (entered === undefined) return null;
  return addAudit(trx, { at, maintainer, action, subject: model, note });
}

export function actParts(db: Kysely<Tables>, write: Write) {
  return {
    /** A model's acts, the first one first. */
    acts(model: string): Promise<ActRow[]> {
      return db
        .selectFrom("acts")
        .selectAll()
        .where("model", "=", model)
        .orderBy("number")
        .execute();
    },
    /** How many acts a model has. */
    async actCount(model: string): Promise<number> {
      const row = await db
        .selectFrom("acts")
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .where("model", "=", model)
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    /** Enter an act that gives a model another recipe, in one commit with it; false where it is overtaken. */
    changeRecipe({ before, suites, recipe, ...acting }: RecipeChanging): Promise<boolean> {
      return write(async (trx) => {
        const { model } = acting.act;
        if ((await modelRow(trx, model))?.recipe !== before) return false;
        const inForce = await trx
          .selectFrom("suites")
          .select("id")
          .where("model", "=", model)
          .where("state", "=", "accepted")
          .execute();
        if (inForce.some(({ id }) => !suites.includes(id))) return false;
        if ((await enterAct(trx, acting, "recipe")) === null) return false;
        await trx.updateTable("models").set({ recipe }).where("id", "=", model).execute();
        return true;
      });
    },
    /** The act that entered an addition of data; undefined for one that is not entered. */
    dataAct(addition: string): Promise<ActRow | undefined> {
      return db
        .selectFrom("acts")
        .innerJoin("settings", "settings.value", "acts.id")
        .selectAll("acts")
        .where("settings.name", "=", dataSetting(addition))
        .executeTakeFirst();
    },
    /** Enter an act that gives a model more shards, in one commit with them; false where it is overtaken. */
    addData({ addition, suites, shards, ...acting }: DataAdding): Promise<boolean> {
      return write(async (trx) => {
        const { model, id } = acting.act;
        const judging = await trx
          .selectFrom("suites")
          .select("id")
          .where("model", "=", model)
          .where("state", "not in", ["refused", "withdrawn"])
          .execute();
        if (judging.some((suite) => !suites.includes(suite.id))) return false;
        const { first, least } = await trx
          .selectFrom("shards")
          .select(({ fn }) => [
            fn.countAll<number>().as("first"),
            fn.min("assigned").filterWhere("replay", "=", 0).as("least"), // replay shards are drawn apart
          ])
          .where("model", "=", model)
          .executeTakeFirstOrThrow();
        if (Number(first) !== shards[0]?.index) return false;
        if ((await enterAct(trx, acting, "add-data")) === null) return false;
        const rows = shards.map(({ index, sha256, sizeBytes, examples, title }) => {
          const drawn = { assigned: Number(least), trained: 0, replay: 0 }; // with 0 nobody would draw others for long
          return {
            model,
            position: index,
            sha256,
            size_bytes: sizeBytes,
            examples,
            title,
            ...drawn,
          };
        });
        await insertShards(trx, rows);
        const entered = { name: dataSetting(addition), value: id };
        await trx.insertInto("settings").values(entered).execute();
        return true;
      });
    },
    /** Retire a model that is not, or take that back, in one commit with the act; false where it is overtaken. */
    retire({ retired, ...acting }: Retiring): Promise<boolean> {
      return write(async (trx) => {
        const { model } = acting.act;
        const row = await modelRow(trx, model);
        if ((row?.retired === null) === (retired === null)) return false; // the act before did it
        const action = retired === null ? "unretire" : "retire";
        if ((await enterAct(trx, acting, action)) === null) return false;
        await trx.updateTable("models").set({ retired }).where("id", "=", model).execute();
        return true;
      });
    },
  };
}

/** What acts are about. */
export function modelRow(trx: Transaction<Tables>, model: string) {
  return trx
    .selectFrom("models")
    .select(["head", "recipe", "retired"])
    .where("id", "=", model)
    .executeTakeFirst();
}
