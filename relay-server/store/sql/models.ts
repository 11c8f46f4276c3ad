import type { Kysely } from "kysely";
import type { RelayEvent } from "../../../core/protocol/schemas/status.ts";
import type { ModelRow, ShardRow, SuiteRow, Tables, VersionRow } from "../tables.ts";
import { addEvents } from "./events.ts";
import type { Write } from "./group-commit.ts";
import { addAudit } from "./maintainers.ts";
import { insertShards } from "./shard-rows.ts";

/** A model as it enters the ledger: all of it in one transaction, or nothing. */
export type ModelImport = {
  readonly model: ModelRow;
  readonly shards: readonly ShardRow[];
  readonly version: VersionRow;
  /** Of a fork, proposed to it: without those that another model of the relay has, since a suite is one model's. */
  readonly suites: readonly SuiteRow[];
  readonly events: readonly RelayEvent[];
  /** The maintainer who added it to a running relay, and why; null for one that a start of the relay imported. */
  readonly addedBy: { readonly maintainer: string; readonly reason: string } | null;
};

export type PauseChange = {
  readonly model: string;
  readonly paused: boolean;
  readonly reason: string;
  readonly maintainer: string;
  readonly at: number;
};

/** Says of a model that no list names it: a maintainer added it. */
const addedSetting = (model: string) => ({ name: `added ${model}`, value: "1" });

export function modelParts(db: Kysely<Tables>, write: Write) {
  return {
    importModel({ model, shards, version, suites, events, addedBy }: ModelImport): Promise<void> {
      return write(async (trx) => {
        await trx.insertInto("models").values(model).execute();
        await insertShards(trx, shards);
        await trx.insertInto("versions").values(version).execute();
        for (const suite of suites) {
          await trx
            .insertInto("suites")
            .values(suite)
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        }
        addEvents(trx, events);
        if (addedBy === null) return;
        const { maintainer, reason: note } = addedBy;
        const audit = { at: model.imported_at, maintainer, action: "add", subject: model.id, note };
        await addAudit(trx, audit);
        await trx.insertInto("settings").values(addedSetting(model.id)).execute();
      });
    },
    models(): Promise<ModelRow[]> {
      return db.selectFrom("models").selectAll().orderBy("id").execute();
    },
    /** Whether a maintainer added the model to a running relay. */
    async wasAdded(model: string): Promise<boolean> {
      const { name } = addedSetting(model);
      const row = await db
        .selectFrom("settings")
        .select("value")
        .where("name", "=", name)
        .executeTakeFirst();
      return row !== undefined;
    },
    model(id: string): Promise<ModelRow | undefined> {
      return db.selectFrom("models").selectAll().where("id", "=", id).executeTakeFirst();
    },
    shards(model: string): Promise<ShardRow[]> {
      return db
        .selectFrom("shards")
        .selectAll()
        .where("model", "=", model)
        .orderBy("position")
        .execute();
    },
    /** How many contributors' merged work trained on each shard, by position. It counts all of them. */
    async shardTrainers(model: string): Promise<Map<number, number>> {
      const rows = await db
        .selectFrom("shard_trainers")
        .select((eb) => ["position", eb.fn.countAll<number>().as("contributors")])
        .where("model", "=", model)
        .groupBy("position")
        .execute();
      return new Map(rows.map(({ position, contributors }) => [position, Number(contributors)]));
    },
    /** Pause or resume a model and write who did it into the audit log, in one commit. */
    setPaused({ model, paused, reason, maintainer, at }: PauseChange): Promise<void> {
      return write(async (trx) => {
        await trx
          .updateTable("models")
          .set({ paused: paused ? 1 : 0 })
          .where("id", "=", model)
          .execute();
        const action = paused ? "pause" : "resume";
        await addAudit(trx, { at, maintainer, action, subject: model, note: reason });
      });
    },
  };
}
