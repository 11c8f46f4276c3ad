import * as z from "zod/mini";
import {
  events,
  HEARTBEAT,
  HEARTBEAT_MS,
  type RelayEvent,
} from "../../core/protocol/schemas/status.ts";

/** The part of an EventSource that the feed uses. */
export type EventStream = Pick<EventSource, "addEventListener" | "close" | "readyState">;

export type FeedOptions = {
  /** Open a stream at the events' address. */
  readonly open: () => EventStream;
  readonly onEvent: (event: RelayEvent) => void;
  /** Events may have been missed: read everything again. Also called as a poll while the stream is down. */
  readonly onResync: () => void;
  /** Called now and then while the stream is up: what could not be read is worth another try. */
  readonly onRound: () => void;
  /** Called whenever the stream brings anything at all. */
  readonly onHeard: () => void;
  readonly onLive: (live: boolean) => void;
  /** Milliseconds on a clock that never goes back. */
  readonly steadyMs: () => number;
  /** Milliseconds since 1970: a jump of it is a device that slept, or a clock that was set. */
  readonly now: () => number;
};

const POLL_MS = 15_000; // often enough to feel alive, rare enough for a relay that just came back
const SILENCE_MS = 3 * HEARTBEAT_MS; // a line that brings nothing for so long is dead, whatever the browser says
const CLOSED = 2; // EventSource.CLOSED: an HTTP error, after which a browser does not retry by itself

/**
 * The one event stream of the page. A browser reconnects by itself after a connection that it knows to be
 * lost; after an error answer, and where a line has gone silent, the feed opens a new stream. Call the result
 * to close it.
 */
export function openFeed(options: FeedOptions): () => void {
  const { open, onEvent, onResync, onRound, onHeard, onLive, steadyMs, now } = options;
  let live = false;
  let heardAtMs = 0;
  let roundAtMs = now();
  let stream = connect();
  const timer = setInterval(() => {
    const hasSlept = now() - roundAtMs > SILENCE_MS; // while a steady clock may stand still
    roundAtMs = now();
    if (stream.readyState === CLOSED || steadyMs() - heardAtMs > SILENCE_MS || hasSlept) {
      stream.close();
      if (live) setLive(false);
      stream = connect();
    }
    if (live) onRound();
    else onResync();
  }, POLL_MS);

  function setLive(value: boolean): void {
    live = value;
    onLive(value);
  }

  function hear(): void {
    heardAtMs = steadyMs();
  }

  function connect(): EventStream {
    hear();
    const next = open();
    const hearMore = () => {
      hear();
      onHeard();
    };
    next.addEventListener("open", () => {
      hearMore();
      setLive(true);
      onResync();
    });
    next.addEventListener("error", () => {
      if (!live) return; // the poll goes on
      setLive(false);
      onResync(); // is it the line, or the relay? A read tells at once
    });
    next.addEventListener(HEARTBEAT, hearMore);
    for (const type of Object.keys(events)) {
      next.addEventListener(type, (message) => {
        hearMore();
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
