import { Hono } from "hono";
import { routes } from "../../core/protocol/routes.ts";
import {
  events as eventSchemas,
  HEARTBEAT,
  HEARTBEAT_MS,
} from "../../core/protocol/schemas/status.ts";
import { coalesce, type EventHub } from "../events/event-hub.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { EventRow } from "../ledger/tables.ts";
import { Refusal } from "./refusal.ts";

const RETRY_MS = 2_000; // what a reader that lost its line waits at least …
const RETRY_SPREAD_MS = 8_000; // … and at most beyond: after a restart all of them come back
const MAX_WAITING_BYTES = 256 << 10; // a reader that is this far behind is dropped and comes back by itself
const MAX_MISSED = 1000; // events that a returning reader is sent; older ones it reads from the API

/** Server-sent events: a tail of the ledger's events table. `chance`, in 0…1, spreads the readers' returns. */
export function eventRoutes(
  ledger: Pick<Ledger, "eventsAfter">,
  hub: EventHub,
  chance: () => number,
): Hono {
  const app = new Hono();
  app.get(routes.events(), async (c) => {
    const topics = topicsOf(c.req.query("topics"));
    const since = Number(c.req.header("last-event-id") ?? Number.NaN);
    const missed = async () =>
      Number.isSafeInteger(since) ? coalesce(await ledger.eventsAfter(since, MAX_MISSED)) : [];
    const retryMs = Math.round(RETRY_MS + RETRY_SPREAD_MS * chance());
    return c.body(stream(hub, topics, missed, retryMs), 200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no", // nginx would hold messages back
    });
  });
  return app;
}

function topicsOf(text: string | undefined): ReadonlySet<string> {
  const topics = text === undefined || text === "" ? Object.keys(eventSchemas) : text.split(",");
  const unknown = topics.find((topic) => !Object.hasOwn(eventSchemas, topic));
  if (unknown === undefined) return new Set(topics);
  throw new Refusal("malformed", `?topics: of ${Object.keys(eventSchemas)} only`);
}

function stream(
  hub: EventHub,
  topics: ReadonlySet<string>,
  missed: () => Promise<EventRow[]>,
  retryMs: number,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stop = () => {};
  let stopped = false;
  return new ReadableStream<Uint8Array>(
    {
      async start(controller) {
        let sent = 0; // number of the last event, so that none comes twice
        const send = (text: string) => {
          if (stopped) return;
          const bytes = encoder.encode(text);
          if ((controller.desiredSize ?? 0) >= bytes.length) return controller.enqueue(bytes);
          stop();
          controller.error(new Error("a reader fell behind"));
        };
        const sendEvents = (rows: readonly EventRow[]) => {
          const fresh = rows.filter(({ id, type }) => Number(id) > sent && topics.has(type));
          sent = Math.max(sent, ...rows.map(({ id }) => Number(id)));
          if (fresh.length > 0) send(fresh.map(frame).join(""));
        };
        const early: EventRow[] = []; // what comes while the missed ones are read
        let listener: (rows: readonly EventRow[]) => void = (rows) => early.push(...rows);
        const unlisten = hub.listen((rows) => listener(rows));
        const heartbeat = setInterval(
          () => send(`event: ${HEARTBEAT}\ndata: {}\n\n`),
          HEARTBEAT_MS,
        );
        stop = () => {
          stopped = true;
          clearInterval(heartbeat);
          unlisten();
        };
        try {
          send(`retry: ${retryMs}\nid: ${hub.last()}\n\n`);
          sendEvents(await missed());
          listener = sendEvents;
          sendEvents(early);
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
