import type { Transaction } from "kysely";
import type { RelayEvent } from "../../../core/protocol/schemas/status.ts";
import type { Tables, VersionRow } from "../tables.ts";
import { addCredit } from "./credits.ts";
import { addEvents } from "./events.ts";
import type { Write } from "./group-commit.ts";
import { lifeOf } from "./lives.ts";

/** A merged contribution's receipt. */
export type MergedInput = {
  readonly contribution: string;
  readonly contributor: string;
  readonly shards: readonly number[];
  readonly multiplier: number;
  readonly credit: number;
};

export type Publication = {
  readonly version: VersionRow;
  /** The fence that the publisher holds. */
  readonly fence: number;
  readonly inputs: readonly MergedInput[];
  readonly events: readonly RelayEvent[];
};

/** What became of a publication; nothing is changed unless it is published. */
export type PublicationOutcome =
  | "published"
  /** The head is not the parent any more, or another relay took the model over. */
  | "fenced"
  /** An input was refused meanwhile. */
  | "not-waiting";

export function publishParts(write: Write) {
  return {
    /**
     * Publish a version in one transaction: the head moves, every input gets its receipt. Their bytes stay until they are
     * promoted.
     */
    publish({ version, fence, inputs, events }: Publication): Promise<PublicationOutcome> {
      return write(async (trx): Promise<PublicationOutcome> => {
        if (!(await moveHead(trx, version, fence))) return "fenced";
        const lives: RelayEvent[] = [];
        for (const input of inputs) {
          const row = await trx
            .updateTable("contributions")
            .set({
              state: "merged",
              version: version.number,
              multiplier: input.multiplier,
              credit: input.credit,
              updated_at: version.created_at,
            })
            .where("id", "=", input.contribution)
            .where("state", "=", "queued")
            .returningAll()
            .executeTakeFirst();
          if (row === undefined) throw new NotWaitingError(`${input.contribution} does not wait`);
          const { contributor, credit } = row;
          const at = version.created_at;
          await addCredit(trx, { model: version.model, contributor, credit, at });
          lives.push({ type: "contribution", data: { contribution: lifeOf(row) } });
          if (input.shards.length === 0) continue; // work for a fork: its shards are no shards of this model
          const trained = trx
            .updateTable("shards")
            .set((eb) => ({ trained: eb("trained", "+", 1) }))
            .where("model", "=", version.model)
            .where("position", "in", [...input.shards]);
          await trained.execute();
          await trx
            .insertInto("shard_trainers")
            .values(
              input.shards.map((position) => ({
                model: version.model,
                position,
                contributor: input.contributor,
              })),
            )
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        }
        for (const { contribution } of inputs) {
          const due = { contribution, model: version.model };
          await trx.insertInto("promotions").values(due).execute();
        }
        addEvents(trx, [...lives, ...events]);
        return "published";
      }).catch((error: unknown) => {
        if (error instanceof NotWaitingError) return "not-waiting";
        throw error;
      });
    },
  };
}

/**
 * Make `version` the head inside a transaction; false, and nothing is changed, if the head is not its parent any
 * more or the publisher's fence not the model's.
 */
export async function moveHead(
  trx: Transaction<Tables>,
  version: VersionRow,
  fence: number,
): Promise<boolean> {
  const moved = await trx
    .updateTable("models")
    .set({ head: version.number })
    .where("id", "=", version.model)
    .where("head", "=", version.number - 1)
    .where("fence", "=", fence)
    .returning("id")
    .executeTakeFirst();
  if (moved === undefined) return false;
  await trx.insertInto("versions").values(version).execute();
  return true;
}

/** Undoes the transaction; its caller hears "not-waiting". */
class NotWaitingError extends Error {}
