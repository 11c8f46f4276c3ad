import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";

/** What a relay tells the other relays on its database, and no table holds: it is of use for minutes at most. */
export type Notice =
  /** A model's loop may have something to do. */
  | { readonly kind: "work"; readonly model: string }
  /** Work on version `base` of a model was given out. */
  | { readonly kind: "ticket"; readonly model: string; readonly base: number }
  /** A key asked for work from a network. */
  | { readonly kind: "asker"; readonly contributor: string; readonly network: string }
  /** A key or a network used up so much of what it may ask for in a minute. */
  | {
      readonly kind: "spent";
      readonly by: "key" | "network";
      readonly name: string;
      readonly cost: number;
    };

export type NoticeListener = {
  /** The ledger has new events. */
  events(): void;
  hear(notice: Notice): void;
  /** Notices may have been lost. */
  miss(): void;
};

/** Waits until no other relay imports a model, as another one of the same id, and resolves to what ends the turn. Rejects once `stop` is aborted. */
export type ImportTurn = (stop?: AbortSignal) => Promise<() => void>;

/** The other relays on a PostgreSQL database, which hear each other by LISTEN and NOTIFY. */
export type OtherRelays = {
  /** Tell them soon; lost while the database does not answer. */
  tell(notice: Notice): void;
  /** Hear them from now on, one listener alone. */
  listen(listener: NoticeListener): void;
  /** Let the next relay start: relays start one after the other, so that one of them makes keys and imports models. */
  started(): Promise<void>;
  readonly importTurn: ImportTurn;
  close(): Promise<void>;
};

/** A connection, and what is aborted once it is lost or no more wanted. */
type Connection = { readonly client: pg.Client; readonly gone: AbortSignal };

const EVENTS = "commonweight_events"; // told by a trigger when a transaction with events commits
const NOTICES = "commonweight_notices";
const IMPORTERS = 0x636f6d69; // "comi": the lock of the relay that imports a model
const STARTERS = 0x636f6d73; // "coms": the lock of the relay that starts
const TELL_MS = 100; // a burst becomes one message
const MAX_PAYLOAD_BYTES = 7000; // PostgreSQL takes less than 8,000
const RETRY_MS = 1000;
const PROBE_MS = 10_000; // a connection that died in silence is noticed by then
const ANSWER_MS = 5000;

/** Statements that make every commit with events tell the relays that listen. */
export const TELL_EVENTS = [
  `create or replace function commonweight_tell_events() returns trigger language plpgsql as
    $$ begin perform pg_notify('${EVENTS}', ''); return null; end $$`,
  "drop trigger if exists tell_events on events",
  `create trigger tell_events after insert on events
    for each statement execute function commonweight_tell_events()`,
];

/** Connect to the others at `url`, and wait until no other relay is starting. Throws what `pg` throws where it cannot connect. */
export async function joinOtherRelays(url: string): Promise<OtherRelays> {
  const closing = new AbortController();
  const { signal } = closing;
  let listener: NoticeListener | null = null;
  let waiting = new Map<string, Notice>();
  let isTelling = false;

  function newClient(): pg.Client {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: ANSWER_MS,
      keepAlive: true,
      application_name: "commonweight",
    });
    client.on("error", ignoreLoss);
    return client;
  }

  async function connect(): Promise<Connection> {
    const client = newClient();
    const lost = new AbortController();
    client.once("end", () => lost.abort());
    client.on("notification", ({ channel, payload, processId }) => {
      if (channel === EVENTS) listener?.events();
      else if (processId !== ownId(client))
        for (const one of parseNotices(payload)) listener?.hear(one);
    });
    try {
      await client.connect();
      await client.query(`listen ${EVENTS}`);
      await client.query(`listen ${NOTICES}`);
    } catch (error) {
      await client.end().catch(ignoreLoss);
      throw error;
    }
    return { client, gone: AbortSignal.any([signal, lost.signal]) };
  }

  let current = await connect();
  await current.client.query(`select pg_advisory_lock(${STARTERS})`);

  /** Ask the connection again and again whether it lives, and make another when it does not. */
  async function keepConnected(): Promise<void> {
    while (!signal.aborted) {
      const { client, gone } = current;
      await pause(PROBE_MS, undefined, { signal: gone }).catch(ignoreLoss);
      if (signal.aborted || (await answers(client))) continue;
      void client.end().catch(ignoreLoss);
      while (!signal.aborted) {
        const next = await connect().catch(ignoreLoss);
        if (next !== undefined) {
          current = next;
          listener?.miss();
          break;
        }
        await pause(RETRY_MS, undefined, { signal }).catch(ignoreLoss);
      }
    }
  }
  let keeping: Promise<void> | null = null;

  async function tellWaiting(): Promise<void> {
    await pause(TELL_MS);
    isTelling = false;
    const notices = [...waiting.values()];
    waiting = new Map();
    for (const payload of payloadsOf(notices)) {
      await current.client.query("select pg_notify($1, $2)", [NOTICES, payload]).catch(ignoreLoss);
    }
  }

  return {
    tell(notice) {
      const key = JSON.stringify({ ...notice, cost: 0 });
      const same = waiting.get(key);
      const cost = same?.kind === "spent" ? same.cost : 0;
      waiting.set(key, notice.kind === "spent" ? { ...notice, cost: notice.cost + cost } : notice);
      if (isTelling || signal.aborted) return;
      isTelling = true;
      void tellWaiting();
    },
    listen(heard) {
      listener = heard;
      heard.miss(); // what was told since the connection was made
    },
    async started() {
      await current.client.query(`select pg_advisory_unlock(${STARTERS})`).catch(ignoreLoss); // with the line the lock is gone too
      keeping = keepConnected(); // not before: a start that keeps this process busy would pass for a lost line, and lose the lock with it
    },
    async importTurn(stop) {
      const client = newClient();
      const end = () => {
        stop?.removeEventListener("abort", end);
        void client.end().catch(ignoreLoss);
      };
      stop?.addEventListener("abort", end);
      try {
        await client.connect();
        await client.query(`select pg_advisory_lock(${IMPORTERS})`);
      } catch (error) {
        end();
        throw error;
      }
      return end; // and with the line goes the lock
    },
    async close() {
      closing.abort();
      listener = null;
      await keeping;
      await current.client.end().catch(ignoreLoss);
    },
  };
}

/** The connection was lost, or never made: it is made anew, and what was to be told is of no more use then. */
function ignoreLoss(): undefined {}

async function answers(client: pg.Client): Promise<boolean> {
  const silent = pause(ANSWER_MS, false, { ref: false });
  return Promise.race([
    client.query("select 1").then(
      () => true,
      () => false,
    ),
    silent,
  ]);
}

/** The server's number of a connection, which each of its notifications carries. */
function ownId(client: pg.Client): number | null {
  return "processID" in client && typeof client.processID === "number" ? client.processID : null;
}

/** The notices as few messages, none too long. */
function payloadsOf(notices: readonly Notice[]): string[] {
  const payloads: string[] = [];
  let group: string[] = [];
  let sizeBytes = 0;
  for (const text of notices.map((notice) => JSON.stringify(notice))) {
    const textBytes = Buffer.byteLength(text) + 1;
    if (sizeBytes + textBytes > MAX_PAYLOAD_BYTES) {
      payloads.push(`[${group.join()}]`);
      group = [];
      sizeBytes = 0;
    }
    group.push(text);
    sizeBytes += textBytes;
  }
  if (group.length > 0) payloads.push(`[${group.join()}]`);
  return payloads;
}

/** As another relay wrote them, of another version perhaps: whoever hears a kind that it does not know passes it over. */
function parseNotices(payload = "[]"): Notice[] {
  return JSON.parse(payload) as Notice[];
}
