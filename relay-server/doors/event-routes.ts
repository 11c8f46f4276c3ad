import { Hono } from "hono";
import { routes } from "../../core/protocol/routes.ts";
import {
  events as eventSchemas,
  HEARTBEAT,
  HEARTBEAT_MS,
} from "../../core/protocol/schemas/status.ts";
import { coalesce, type EventHub } from "../store/event-hub.ts";
import type { Ledger } from "../store/ledger.ts";
import type { EventRow } from "../store/tables.ts";
import { Refusal } from "./refusal.ts";

const RETRY_MS = 2_000; // what a reader that lost its line waits at least …
const RETRY_SPREAD_MS = 8_000; // … and at most beyond: after a restart all of them come back
const MAX_WAITING_BYTES = 256 << 10; // a reader that is this far behind is dropped and comes back by itself
const MISSED_A_READ = 256; // some 200 KB; a returning reader is sent all that are remembered, as it takes them

/** Server-sent events: a tail of the ledger's events table. `chance`, in 0…1, spreads the readers' returns. */
export function eventRoutes(
  ledger: Pick<Ledger, "eventsAfter">,
  hub: Pick<EventHub, "listen" | "last">,
  chance: () => number,
): Hono {
  const app = new Hono();
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
    return c.body(stream(ledger, hub, request), 200, headers);
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

/** First what was missed, read page by page as the reader takes it, then what the hub tells. */
function stream(
  ledger: Pick<Ledger, "eventsAfter">,
  hub: Pick<EventHub, "listen" | "last">,
  { topics, since, retryMs }: EventRequest,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const types = [...topics];
  let sent = Math.min(since ?? hub.last(), hub.last()); // the last event, so that none comes twice; no ledger's to come
  let isLive = since === null;
  let heard: EventRow[] = []; // told during a read; of more than a read's worth only that it was more
  let stopped = false;
  let stop = () => {};

  /** The events of `rows` that the reader has not been sent, each as a frame of its own. */
  function framesOf(rows: readonly EventRow[]): Uint8Array[] {
    const fresh = rows.filter(({ id, type }) => Number(id) > sent && topics.has(type));
    sent = Math.max(sent, ...rows.map(({ id }) => Number(id)));
    return fresh.map((row) => encoder.encode(frame(row)));
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const roomOf = () => controller.desiredSize ?? 0; // not above 0 once too much waits
        const drop = () => {
          stop();
          controller.error(new Error("a reader fell behind"));
        };
        const end = () => {
          stop();
          controller.close();
        };
        const hear = (rows: readonly EventRow[]) => {
          if (!isLive) {
            if (heard.length > MISSED_A_READ) return;
            heard.push(...rows.filter(({ type }) => topics.has(type)));
            return;
          }
          const frames = framesOf(rows);
          if (frames.length > 0 && roomOf() <= 0) return drop();
          for (const bytes of frames) controller.enqueue(bytes);
        };
        const unlisten = hub.listen({ hear, miss: end }); // who returns reads anew what it shows
        let lastRoom = Number.NaN;
        const heartbeat = setInterval(() => {
          if (roomOf() <= 0 && roomOf() === lastRoom) return drop(); // it has taken nothing since the last one
          controller.enqueue(encoder.encode(`event: ${HEARTBEAT}\ndata: {}\n\n`));
          lastRoom = roomOf();
        }, HEARTBEAT_MS);
        stop = () => {
          stopped = true;
          clearInterval(heartbeat);
          unlisten();
        };
        controller.enqueue(encoder.encode(`retry: ${retryMs}\nid: ${sent}\n\n`));
      },
      async pull(controller) {
        try {
          while (!isLive && !stopped && (controller.desiredSize ?? 0) > 0) {
            heard = []; // the ledger has all of it
            const rows = await ledger.eventsAfter(sent, MISSED_A_READ, types);
            if (stopped) return;
            for (const bytes of framesOf(coalesce(rows))) controller.enqueue(bytes);
            const isAtEnd = rows.length < MISSED_A_READ && heard.length <= MISSED_A_READ;
            if (!isAtEnd || (controller.desiredSize ?? 0) <= 0) continue;
            for (const bytes of framesOf(heard)) controller.enqueue(bytes);
            heard = [];
            isLive = true;
          }
        } catch (error) {
          stop();
          throw error;
        }
      },
      cancel: () => stop(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_WAITING_BYTES }),
  );
}

function frame({ id, type, data }: EventRow): string {
  return `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;
}
