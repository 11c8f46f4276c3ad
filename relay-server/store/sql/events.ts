import type { Kysely, Transaction } from "kysely";
import type { RelayEvent } from "../../../core/protocol/schemas/status.ts";
import type { EventRow, Tables } from "../tables.ts";
import type { Write } from "./group-commit.ts";

// A reader that was away longer starts from the present. × 4 columns stays under SQLite's 32,766 parameters.
const KEPT_EVENTS = 4096;

/** The model that an event is about: what `?topics=` filters by, together with the type. */
function modelOf(event: RelayEvent): string {
  if (event.type === "contribution") return event.data.contribution.model;
  return event.data.model;
}

/**
 * Add events inside the transaction that makes them true. Their numbers come from one row that the transaction
 * locks, so that they are visible in ascending order: a tail never skips one.
 */
export async function addEvents(
  trx: Transaction<Tables>,
  events: readonly RelayEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const last = await nextNumber(trx, "events", events.length);
  const kept = events.slice(-KEPT_EVENTS); // a large cohort brings more: at the gap the hub ends its streams
  const rows = kept.map((event, i) => ({
    id: last - kept.length + 1 + i,
    type: event.type,
    topic: modelOf(event),
    data: JSON.stringify(event.data),
  }));
  await trx.insertInto("events").values(rows).execute();
  await trx
    .deleteFrom("events")
    .where("id", "<=", last - KEPT_EVENTS)
    .execute();
}

/** Take `size` numbers of a sequence; returns the last of them. */
export async function nextNumber(
  trx: Transaction<Tables>,
  name: "events" | "audit" | "gate-tests",
  size = 1,
): Promise<number> {
  const row = await trx
    .updateTable("sequences")
    .set((eb) => ({ value: eb("value", "+", size) }))
    .where("name", "=", name)
    .returning("value")
    .executeTakeFirstOrThrow();
  return Number(row.value);
}

export function eventParts(db: Kysely<Tables>, write: Write) {
  return {
    /** Append events that no other write brings about. */
    appendEvents(events: readonly RelayEvent[]): Promise<void> {
      return write((trx) => addEvents(trx, events));
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
