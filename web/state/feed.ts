import * as z from "zod/mini";
import { events, type RelayEvent } from "../../core/protocol/schemas/status.ts";

/** The part of an EventSource that the feed uses. */
export type EventStream = Pick<EventSource, "addEventListener" | "close" | "readyState">;

export type FeedOptions = {
  /** Open a stream at the events' address. */
  readonly open: () => EventStream;
  readonly onEvent: (event: RelayEvent) => void;
  /** Events may have been missed: read everything again. Also called as a poll while the stream is down. */
  readonly onResync: () => void;
  readonly onLive: (live: boolean) => void;
};

const POLL_MS = 15_000; // often enough to feel alive, rare enough for a relay that just came back
const CLOSED = 2; // EventSource.CLOSED: an HTTP error, after which a browser does not retry by itself

/**
 * The one event stream of the page. A browser reconnects by itself after a lost connection; after an
 * error answer the feed opens a new stream with every poll. Call the result to close it.
 */
export function openFeed({ open, onEvent, onResync, onLive }: FeedOptions): () => void {
  let stream = connect();
  let live = false;
  const timer = setInterval(() => {
    if (live) return;
    if (stream.readyState === CLOSED) stream = connect();
    onResync();
  }, POLL_MS);

  function connect(): EventStream {
    const next = open();
    next.addEventListener("open", () => {
      live = true;
      onLive(true);
      onResync();
    });
    next.addEventListener("error", () => {
      live = false;
      onLive(false);
    });
    for (const type of Object.keys(events)) {
      next.addEventListener(type, (message) => {
        const event = parseEvent(type, (message as MessageEvent<unknown>).data);
        if (event !== null) onEvent(event);
      });
    }
    return next;
  }

  return () => {
    clearInterval(timer);
    stream.close();
  };
}

const event = z.discriminatedUnion("type", [
  z.object({ type: z.literal("version"), data: events.version }),
  z.object({ type: z.literal("contribution"), data: events.contribution }),
  z.object({ type: z.literal("leaderboard"), data: events.leaderboard }),
  z.object({ type: z.literal("health"), data: events.health }),
]);

/** The event in `data`, or null for one that this page does not understand; a poll would show its effect. */
export function parseEvent(type: string, data: unknown): RelayEvent | null {
  if (typeof data !== "string") return null;
  try {
    const result = event.safeParse({ type, data: JSON.parse(data) });
    return result.success ? result.data : null;
  } catch {
    return null; // not JSON: a newer relay's or a proxy's own line
  }
}
