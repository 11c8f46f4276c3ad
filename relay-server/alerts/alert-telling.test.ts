import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Alert } from "../../core/protocol/schemas/alerts.ts";
import { filled } from "../../tests/fixtures/ledger-rows.ts";
import type { ServedModel } from "../context.ts";
import { StorageFullError } from "../storage-error.ts";
import { openSqlite } from "../store/sqlite/sqlite.ts";
import type { StatusStore } from "../store/store.ts";
import { type AlertTellingParts, startAlertTelling } from "./alert-telling.ts";

const MINUTE_MS = 60_000;
const full: Alert = {
  kind: "disk",
  model: null,
  about: "",
  since: 1,
  why: "The relay's disk is 95% full.",
  contributions: [],
};
const copied: Alert = {
  ...full,
  kind: "refusals",
  model: "digits",
  about: "reason copied",
  why: "7 pieces of work were refused as copied in the last hour; 0.5 an hour is usual.",
  contributions: ["a".repeat(64)],
};

let db: ReturnType<typeof openSqlite>;
let status: StatusStore;
let now: number;
/** What the relay finds, and what its receiver heard. */
let found: readonly Alert[];
let heard: [string, string][];
/** Why the receiver takes nothing, if so. */
let problem: string | null;
const closers: (() => Promise<void>)[] = [];
beforeEach(async () => {
  db = openSqlite(":memory:");
  ({ status } = await filled(db));
  [now, found, heard, problem] = [100 * MINUTE_MS, [], [], null];
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await db.destroy();
  vi.restoreAllMocks();
});

type Message = { readonly at: number; readonly alerts: (Alert & { readonly state: string })[] };

/** A relay that tells what is found; `next` lets it look again after so many minutes, and says how long it meant to wait. */
async function telling(change: Partial<AlertTellingParts> = {}, store = status) {
  let look = () => {};
  let rested = (_ms: number) => {};
  const first = new Promise<number>((resolve) => {
    rested = resolve;
  });
  const served = {} as ServedModel; // nothing of it is read here
  const { close } = startAlertTelling({
    context: { status: store, models: new Map([["digits", served]]), clock: () => now },
    alerts: { list: async () => ({ limits: {} as never, alerts: [...found] }) },
    isMine: () => true,
    webhook: {
      host: "receiver",
      async post(message) {
        if (problem !== null) return problem;
        for (const { state, kind } of (message as Message).alerts) heard.push([state, kind]);
        return null;
      },
    },
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", reject, { once: true });
        look = resolve;
        rested(ms);
      }),
    ...change,
  });
  closers.push(close);
  await first;
  const next = (minutes: number) =>
    new Promise<number>((resolve) => {
      now += minutes * MINUTE_MS;
      rested = resolve;
      look();
    });
  return { next, close };
}

test("H50: an alert is told once when it begins, with all that is known of it", async () => {
  found = [full, copied];
  const messages: unknown[] = [];
  const post = async (message: unknown) => {
    messages.push(message);
    return null;
  };
  const { next } = await telling({ webhook: { host: "receiver", post } });
  await next(1);
  await next(60);
  expect(messages).toEqual([
    {
      at: 100 * MINUTE_MS,
      alerts: [
        { state: "begun", ...full },
        { state: "begun", ...copied },
      ],
    },
  ]);
});

test("H50: an alert that was away for five minutes is told as ended, once; one that swings about its limit is not", async () => {
  found = [full];
  const { next } = await telling();
  found = [];
  await next(4);
  found = [full];
  await next(1);
  found = [];
  await next(4);
  expect(heard).toEqual([["begun", "disk"]]);
  await next(1);
  await next(60);
  expect(heard.slice(1)).toEqual([["ended", "disk"]]);
  found = [full];
  await next(1);
  expect(heard.slice(2)).toEqual([["begun", "disk"]]);
});

test("H50: a relay that starts again repeats nothing, and tells the end of what was told before", async () => {
  found = [full, copied];
  const before = await telling();
  await before.close();
  heard = [];
  const { next } = await telling();
  found = [copied];
  await next(1);
  expect(heard).toEqual([]);
  await next(4);
  expect(heard).toEqual([["ended", "disk"]]);
});

test("H50: of several relays the one that publishes a model tells, and the one after it repeats nothing", async () => {
  found = [full, copied];
  let publisher = "one";
  const one = await telling({ isMine: () => publisher === "one" });
  const two = await telling({ isMine: () => publisher === "two" });
  expect(heard).toHaveLength(2);
  publisher = "two";
  await one.next(1);
  await two.next(1);
  expect(heard).toHaveLength(2);
  found = [copied];
  await two.next(1);
  await two.next(5);
  await one.next(1);
  expect(heard.slice(2)).toEqual([["ended", "disk"]]);
});

test("H50: what is not taken is logged once and told ten minutes later, if it is still so", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  found = [full, copied];
  problem = "it answered 500";
  const { next } = await telling();
  expect(await next(10)).toBe(10 * MINUTE_MS);
  expect(log.mock.calls).toEqual([
    ["Alerts are not told: ALERT_WEBHOOK is at receiver, and it answered 500."],
  ]);
  problem = null;
  found = [copied];
  expect(await next(10)).toBe(MINUTE_MS / 2);
  expect(heard).toEqual([["begun", "refusals"]]);
  problem = "it answered 500";
  found = [full, copied];
  await next(1);
  expect(log).toHaveBeenCalledTimes(2);
});

test("H50: a disk too full for the ledger is told once too, and written once there is room", async () => {
  let isFull = true;
  const filling: StatusStore = {
    ...status,
    async putSetting(name, value) {
      if (isFull) throw new StorageFullError();
      await status.putSetting(name, value);
    },
  };
  found = [full];
  const before = await telling({}, filling);
  await before.next(1);
  found = [full, copied];
  await before.next(1);
  isFull = false;
  await before.next(1);
  await before.close();
  await telling();
  expect(heard).toEqual([
    ["begun", "disk"],
    ["begun", "refusals"],
  ]);
});

test("H50: a message has 20 alerts at most, and the next one the rest", async () => {
  found = Array.from({ length: 30 }, (_, n) => ({ ...copied, about: `device d${n}` }));
  const { next } = await telling();
  expect(heard).toHaveLength(20);
  await next(1);
  await next(1);
  expect(heard).toHaveLength(30);
});

test("H50: while the ledger does not answer nothing is told, and the next look goes on", async () => {
  let isAway = true;
  const list = async () => {
    if (isAway) throw Object.assign(new Error("no answer"), { code: "57P01" });
    return { limits: {} as never, alerts: [full] };
  };
  const { next } = await telling({ alerts: { list } });
  isAway = false;
  await next(1);
  expect(heard).toEqual([["begun", "disk"]]);
});
