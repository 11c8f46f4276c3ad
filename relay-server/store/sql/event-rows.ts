import type { Transaction } from "kysely";
import type { RelayEvent } from "../../../core/protocol/schemas/status.ts";
import type { Tables } from "../tables.ts";

// A reader that was away longer starts from the present. × 4 columns stays under SQLite's 32,766 parameters.
const KEPT_EVENTS = 4096;

/** The model that an event is about: what `?topics=` filters by, together with the type. */
function modelOf(event: RelayEvent): string {
  if (event.type === "contribution") return event.data.contribution.model;
  return event.data.model;
}

/**
 * Number and keep events, last of all in their transaction. Their numbers come from one row that the transaction locks,
 * so that they are visible in ascending order: a tail never skips one.
 */
export async function insertEvents(
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
