import { type Context, Hono } from "hono";
import { routes } from "../../core/protocol/routes.ts";
import {
  events as eventSchemas,
  GAP,
  HEARTBEAT,
  HEARTBEAT_MS,
} from "../../core/protocol/schemas/status.ts";
import { coalesce, type EventHub } from "../store/event-hub.ts";
import type { StatusStore } from "../store/store.ts";
import type { EventRow } from "../store/tables.ts";
import { type EventLine, isLineEnv, MAX_WAITING_BYTES, streamLine } from "./event-line.ts";
import { createHeartbeats, type Heartbeats } from "./heartbeats.ts";
import { Refusal } from "./refusal.ts";

const RETRY_MS = 2_000; // what a reader that lost its line waits at least …
const RETRY_SPREAD_MS = 8_000; // … and at most beyond: after a restart all of them come back
const MISSED_A_READ = 256; // some 200 KB; a returning reader is sent all that are remembered, as it takes them

export type EventSource = {
  readonly status: Pick<StatusStore, "eventsAfter" | "lastEvent">;
  readonly hub: Pick<EventHub, "listen" | "last">;
  /** In 0…1: spreads the readers' returns. */
  readonly chance: () => number;
  /** Counts a reader in, or refuses it; returns how it is counted out. */
  readonly enter: (c: Context) => () => void;
};

/** Server-sent events: a tail of the ledger's events table. */
export function eventRoutes({ status, hub, chance, enter }: EventSource): Hono {
  const app = new Hono();
  const parts = { status, hub, heartbeats: createHeartbeats(HEARTBEAT_MS) };
  const headers = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no", // nginx would hold messages back
  };
  app.get(routes.events(), async (c) => {
    const topics = topicsOf(c.req.query("topics"));
    if (c.req.method === "HEAD") return c.body(null, 200, headers); // Hono would drop a stream that goes on
    const since = Number(c.req.header("last-event-id") ?? Number.NaN);
    const retryMs = Math.round(RETRY_MS + RETRY_SPREAD_MS * chance());
    const request = { topics, since: Number.isSafeInteger(since) ? since : null, retryMs };
    const leave = enter(c);
    const { env } = c;
    let reader: Reader | null = null;
    const gone = () => {
      leave();
      reader?.stop();
    };
    if (isLineEnv(env)) {
      env.takeOver = (line) => {
        reader = openReader(parts, request, line);
        return gone;
      };
      return c.body(null, 200, headers);
    }
    const { line, body } = streamLine(gone);
    reader = openReader(parts, request, line);
    return c.body(body, 200, headers);
  });
  return app;
}

function topicsOf(text: string | undefined): ReadonlySet<string> {
  const topics = text === undefined || text === "" ? Object.keys(eventSchemas) : text.split(",");
  const unknown = topics.find((topic) => !Object.hasOwn(eventSchemas, topic));
  if (unknown === undefined) return new Set(topics);
  throw new Refusal("malformed", `?topics: of ${Object.keys(eventSchemas)} only`);
}

type EventRequest = {
  readonly topics: ReadonlySet<string>;
  /** The last event that the reader has; null if it begins with the present. */
  readonly since: number | null;
  readonly retryMs: number;
};

type Reader = { stop(): void };

/** What all readers share: a reader has no timer and no encoder of its own. */
type ReaderParts = Pick<EventSource, "status" | "hub"> & { readonly heartbeats: Heartbeats };

/** First what was missed, read page by page as the reader takes it, then what the hub tells. */
function openReader(
  { status, hub, heartbeats }: ReaderParts,
  { topics, since, retryMs }: EventRequest,
  line: EventLine,
): Reader {
  let sent = Math.min(since ?? hub.last(), hub.last()); // the last event, so that none comes twice; no ledger's to come
  let isLive = since === null;
  let heard: EventRow[] = []; // told during a read; of more than a read's worth only that it was more
  let stopped = false;
  let lastMark = Number.NaN;

  /** Send the events of `rows` that the reader was not sent, each as a frame of its own. */
  function send(rows: readonly EventRow[]): void {
    const fresh = rows.filter(({ id, type }) => Number(id) > sent && topics.has(type));
    sent = Math.max(sent, ...rows.map(({ id }) => Number(id)));
    for (const row of fresh) line.write(frameOf(row));
  }

  function hear(rows: readonly EventRow[]): void {
    if (!isLive) {
      if (heard.length > MISSED_A_READ) return;
      heard.push(...rows.filter(({ type }) => topics.has(type)));
    } else if (isFull() && rows.some(({ id, type }) => Number(id) > sent && topics.has(type))) {
      line.cut();
    } else send(rows);
  }

  const isFull = () => line.waitingBytes() >= MAX_WAITING_BYTES;
  const unlisten = hub.listen({ hear, miss: line.end }); // who returns reads anew what it shows
  const still = heartbeats.add(() => {
    if (isFull() && line.mark() === lastMark) return line.cut(); // it has taken nothing since the last one
    line.write(BEAT);
    lastMark = line.mark();
  });

  /** Whether some of what came after event `since` is not there any more, or never was: a ledger may be a backup's. */
  async function isForgotten(since: number): Promise<boolean> {
    if (since > hub.last()) {
      if (since > (await status.lastEvent())) return true;
      sent = since; // another relay told it, and this one's hub has yet to hear it
      return false;
    }
    const [oldest] = await status.eventsAfter(0, 1);
    return Number(oldest?.id ?? hub.last() + 1) > since + 1;
  }

  async function catchUp(): Promise<void> {
    if (since !== null && (await isForgotten(since))) line.write(FORGOTTEN);
    while (!isLive && !stopped) {
      heard = []; // the ledger has all of it
      const rows = await status.eventsAfter(sent, MISSED_A_READ, [...topics]);
      if (stopped) return;
      send(coalesce(rows));
      const isAtEnd = rows.length < MISSED_A_READ && heard.length <= MISSED_A_READ;
      if (isAtEnd && !isFull()) {
        send(heard);
        heard = [];
        isLive = true;
      } else await line.drained();
    }
  }

  line.write(encoder.encode(`retry: ${retryMs}\nid: ${sent}\n\n`));
  catchUp().catch((error: unknown) => {
    if (!stopped) console.error(error); // who was reading comes back, and asks again
    line.cut();
  });
  return {
    stop() {
      stopped = true;
      still();
      unlisten();
    },
  };
}

const encoder = new TextEncoder();
const BEAT = encoder.encode(`event: ${HEARTBEAT}\ndata: {}\n\n`);
const FORGOTTEN = encoder.encode(`event: ${GAP}\ndata: {}\n\n`);
const frames = new WeakMap<EventRow, Uint8Array>();

/** An event's bytes, made once for all its readers. */
function frameOf(row: EventRow): Uint8Array {
  const known = frames.get(row);
  if (known !== undefined) return known;
  const { id, type, data } = row;
  const frame = encoder.encode(`id: ${id}\nevent: ${type}\ndata: ${data}\n\n`);
  frames.set(row, frame);
  return frame;
}
