import type { Kysely, Transaction } from "kysely";
import type { ContributionRow, Tables } from "../tables.ts";
import type { UsedTicket } from "./tickets.ts";

/** Where a model is just then. */
export type PresentModel = {
  /** The number of the model's head. */
  readonly head: number;
  /** Why the model is retired; null where it is not. */
  readonly retired: string | null;
};

/** A ticket as work arrives with it. */
export type ArrivingTicket = UsedTicket &
  PresentModel & {
    /** Whether work on the ticket's version has the mask that the head has now. */
    readonly hasMaskOfHead: boolean;
  };

/** A ticket that work comes with; undefined if there is none. */
export async function arrivingTicket(
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

/** The model of a contribution as a transaction finds it, and what it says of the contribution. */
export async function presentFor(
  trx: Transaction<Tables>,
  { model, base, contributor }: ContributionRow,
): Promise<PresentModel & { isBanned: boolean; hasMaskOfHead: boolean }> {
  const { banned, same, ...present } = await trx
    .selectFrom("models")
    .leftJoin("bans", (join) => join.on("bans.contributor", "=", contributor))
    .leftJoin("versions as base", (join) =>
      join.onRef("base.model", "=", "models.id").on("base.number", "=", base),
    )
    .leftJoin("versions as head", (join) =>
      join.onRef("head.model", "=", "models.id").onRef("head.number", "=", "models.head"),
    )
    .select((eb) => [
      "models.head",
      "models.retired",
      "bans.contributor as banned",
      eb("base.mask", "=", eb.ref("head.mask")).as("same"),
    ])
    .where("models.id", "=", model)
    .executeTakeFirstOrThrow();
  return { ...present, isBanned: banned !== null, hasMaskOfHead: Boolean(same) };
}
