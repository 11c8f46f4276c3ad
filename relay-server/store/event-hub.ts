import { ledgerAway } from "../storage-error.ts";
import type { StatusStore } from "./store.ts";
import type { EventRow } from "./tables.ts";

export type HubListener = {
  hear(events: readonly EventRow[]): void;
  /** Some events before the next ones were forgotten before they could be told. */
  miss(): void;
};

/** Passes events on to whoever listens, after tailing them from the ledger. */
export type EventHub = {
  /** The ledger has new events. */
  wake(): void;
  /** Hear every event from now on; returns how to stop. */
  listen(listener: HubListener): () => void;
  /** Number of the newest event that listeners have heard. */
  last(): number;
  close(): void;
};

const COALESCE_MS = 100; // a burst of writes becomes one message a reader
const EVENTS_A_READ = 500;

export async function createEventHub(
  status: Pick<StatusStore, "eventsAfter" | "lastEvent">,
): Promise<EventHub> {
  const listeners = new Set<HubListener>();
  let last = await status.lastEvent();
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  async function tail(): Promise<void> {
    timer = null;
    if (listeners.size === 0) {
      const newest = await status.lastEvent(); // nobody to read them to
      if (listeners.size === 0) last = newest;
      else wake(); // who came meanwhile was told to expect what comes after `last`
      return;
    }
    const events = await status.eventsAfter(last, EVENTS_A_READ);
    const [first] = events;
    if (closed || first === undefined) return;
    if (Number(first.id) > last + 1) for (const listener of listeners) listener.miss();
    last = Number(events.at(-1)?.id);
    const coalesced = coalesce(events);
    for (const listener of listeners) listener.hear(coalesced);
    if (events.length === EVENTS_A_READ) wake();
  }
  function wake(): void {
    if (timer !== null || closed) return;
    timer = setTimeout(() => {
      tail().catch((error: unknown) => {
        if (!closed && ledgerAway(error) === null) console.error(error); // the next event tails these too
      });
    }, COALESCE_MS);
  }
  return {
    wake,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    last: () => last,
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      listeners.clear();
    },
  };
}

/** Of events that replace one another, only the last: a model's health and leaderboard, a contribution's life. */
export function coalesce(events: readonly EventRow[]): EventRow[] {
  const newest = new Map<string, EventRow>();
  for (const event of events) {
    const subject = subjectOf(event);
    newest.delete(subject);
    newest.set(subject, event);
  }
  return [...newest.values()];
}

function subjectOf({ id, type, topic, data }: EventRow): string {
  if (type === "version") return `version ${id}`;
  if (type !== "contribution") return `${type} ${topic}`;
  const { contribution } = JSON.parse(data);
  return `contribution ${contribution.id}`;
}
