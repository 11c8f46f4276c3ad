import { setTimeout as pause } from "node:timers/promises";
import type { Alert } from "../../core/protocol/schemas/alerts.ts";
import type { RelayContext } from "../context.ts";
import { outageWords } from "../storage-error.ts";
import type { Alerts } from "./alerts.ts";
import { alertKey } from "./find-alerts.ts";
import { createWebhook, type Webhook, type WebhookParts } from "./webhook.ts";

/** An alert that began, or one that ended, as it was told when it began. */
type AlertNews = Alert & { readonly state: "begun" | "ended" };

/** What the relay has told of one model, or of itself, and has not told the end of. */
type ToldAlerts = { readonly model: string | null; readonly alerts: readonly Alert[] };

export type AlertTellingParts = {
  readonly context: Pick<RelayContext, "status" | "models" | "clock">;
  readonly alerts: Pick<Alerts, "list">;
  /** Whether this relay is the one of several that publishes the model, and tells its alerts. */
  readonly isMine: (model: string) => boolean;
  readonly webhook: Webhook;
  readonly wait: WebhookParts["wait"];
};

const LOOK_MS = 30_000; // an alert is minutes old when it is found
const REST_MS = 10 * 60_000; // after three tries in vain
const QUIET_MS = 5 * 60_000; // absent for so long has ended: what swings about its limit is one alert
const MOST_AT_ONCE = 20; // news in one message, of up to 1.5 kB each; the next look tells more

/** Tell the owner's address `url` by the machine's own timers, which keep no process alive. */
export function tellAlerts(url: string, parts: Omit<AlertTellingParts, "webhook" | "wait">) {
  const wait: WebhookParts["wait"] = (ms, signal) => pause(ms, undefined, { signal, ref: false });
  return startAlertTelling({ ...parts, webhook: createWebhook({ url, wait }), wait });
}

/**
 * Look every 30 seconds, and post once of each alert that it began, and once that it ended. The ledger remembers what was
 * told, so that neither a restart nor another relay repeats it. What was not taken is told ten minutes later, if it is still so.
 */
export function startAlertTelling({ context, alerts, isMine, webhook, wait }: AlertTellingParts) {
  const { status, models, clock } = context;
  const closing = new AbortController();
  const { signal } = closing;
  const seen = new Map<string, number>();
  /** What was told and could not be written yet, by setting: a full disk is told once too. */
  const unwritten = new Map<string, string>();
  let isFailing = false;

  async function readTold(model: string | null): Promise<ToldAlerts> {
    const name = toldSetting(model);
    const text = unwritten.get(name) ?? (await status.setting(name));
    return { model, alerts: text === undefined ? [] : (JSON.parse(text) as Alert[]) }; // as a relay wrote it
  }

  /** Models of which this relay tells, and null for its disk, of which the publisher of the first model tells. */
  function mine(): (string | null)[] {
    const all = [...models.keys()].sort();
    return [...(all.slice(0, 1).every(isMine) ? [null] : []), ...all.filter(isMine)];
  }

  /** When each was found last, of what is found or told; told by a process before this one counts as found now. */
  function note(found: readonly Alert[], told: readonly Alert[], at: number): void {
    const kept = new Set(told.map(alertKey));
    for (const [key, last] of seen) if (!kept.has(key) && hasEnded(last, at)) seen.delete(key);
    for (const key of kept) if (!seen.has(key)) seen.set(key, at);
    for (const each of found) seen.set(alertKey(each), at);
  }

  function newsOf({ model, alerts: told }: ToldAlerts, found: readonly Alert[], at: number) {
    const known = new Set(told.map(alertKey));
    const begun = found.filter((each) => each.model === model && !known.has(alertKey(each)));
    const ended = told.filter((each) => hasEnded(seen.get(alertKey(each)) ?? at, at));
    return [
      ...begun.map((each): AlertNews => ({ state: "begun", ...each })),
      ...ended.map((each): AlertNews => ({ state: "ended", ...each })),
    ];
  }

  /** Write what waits to be written, and leave to another relay what has become another's. */
  async function write(own: readonly (string | null)[]): Promise<void> {
    const names = new Set(own.map(toldSetting));
    try {
      for (const [name, value] of unwritten) {
        if (names.has(name)) await status.putSetting(name, value);
        unwritten.delete(name);
      }
    } catch (error) {
      if (outageWords(error) === null) throw error; // else the next look writes it
    }
  }

  /** Tell what is new; false where nobody took it. */
  async function look(): Promise<boolean> {
    const own = mine();
    await write(own);
    const { alerts: found } = await alerts.list();
    const told = await Promise.all(own.map(readTold));
    const at = clock();
    note(
      found,
      told.flatMap((each) => each.alerts),
      at,
    );
    const all = told.flatMap((each) => newsOf(each, found, at));
    const news = all.slice(0, MOST_AT_ONCE);
    if (news.length === 0) return true;
    const problem = await webhook.post({ at, alerts: news }, signal);
    if (problem !== null && !isFailing) {
      console.error(`Alerts are not told: ALERT_WEBHOOK is at ${webhook.host}, and ${problem}.`);
    }
    isFailing = problem !== null;
    if (isFailing) return false;
    for (const each of told) {
      const ofIt = news.filter(({ model }) => model === each.model);
      if (ofIt.length === 0) continue;
      unwritten.set(toldSetting(each.model), JSON.stringify(toldAfter(each, ofIt)));
    }
    await write(own);
    return true;
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const isTold = await look().catch((error: unknown) => {
        if (!signal.aborted && outageWords(error) === null) console.error(error);
        return true; // nothing was found out: the next look does
      });
      await wait(isTold ? LOOK_MS : REST_MS, signal);
    }
  }
  const running = run().catch((error: unknown) => {
    if (!signal.aborted) throw error; // only closing ends a wait
  });
  return {
    /** Tell nothing more, and wait until nothing is read or written. */
    async close(): Promise<void> {
      closing.abort();
      await running;
    },
  };
}

const toldSetting = (model: string | null) =>
  model === null ? "alerts-told" : `alerts-told ${model}`;

/** A clock that was set back ends no alert later. */
const hasEnded = (last: number, at: number) => Math.abs(at - last) >= QUIET_MS;

function toldAfter({ alerts }: ToldAlerts, news: readonly AlertNews[]): Alert[] {
  const changed = new Set(news.map(alertKey));
  const begun = news.filter(({ state }) => state === "begun");
  return [
    ...alerts.filter((each) => !changed.has(alertKey(each))),
    ...begun.map(({ state: _, ...each }) => each),
  ];
}
