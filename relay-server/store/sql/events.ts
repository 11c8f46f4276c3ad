import type { Kysely } from "kysely";
import type { RelayEvent } from "../../../core/protocol/schemas/status.ts";
import type { EventRow, Tables } from "../tables.ts";
import type { Write, Writing } from "./group-commit.ts";

/** Add events inside the transaction that makes them true. */
export function addEvents({ told }: Writing, events: readonly RelayEvent[]): void {
  for (const event of events) told.push(event);
}

export function eventParts(db: Kysely<Tables>, write: Write) {
  return {
    /** Append events that no other write brings about. */
    appendEvents(events: readonly RelayEvent[]): Promise<void> {
      return write(async (trx) => addEvents(trx, events));
    },
    /** Events after number `after`, in order, of some types if they are given. */
    eventsAfter(after: number, limit: number, types?: readonly string[]): Promise<EventRow[]> {
      const all = db.selectFrom("events").selectAll().where("id", ">", after);
      const asked = types === undefined ? all : all.where("type", "in", [...types]);
      return asked.orderBy("id").limit(limit).execute();
    },
    /** The number of the newest event; 0 if there was none. */
    async lastEvent(): Promise<number> {
      const row = await db
        .selectFrom("sequences")
        .select("value")
        .where("name", "=", "events")
        .executeTakeFirstOrThrow();
      return Number(row.value);
    },
  };
}
