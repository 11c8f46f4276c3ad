import { afterEach, expect, test, vi } from "vitest";
import type { EventRow } from "../ledger/tables.ts";
import { eventRoutes } from "./event-routes.ts";

/** A hub that a test speaks through. */
function fakeHub() {
  const listeners = new Set<(events: readonly EventRow[]) => void>();
  return {
    listeners,
    say: (events: readonly EventRow[]) => {
      for (const listener of listeners) listener(events);
    },
    wake() {},
    close() {},
    last: () => 0,
    listen(listener: (events: readonly EventRow[]) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const event = (id: number, data: string): EventRow => ({ id, type: "health", topic: "tiny", data });

test("H12: a reader that falls behind is dropped, one that reads hears everything once", async () => {
  const hub = fakeHub();
  const missed = [event(1, "missed")];
  const app = eventRoutes({ eventsAfter: async () => missed }, hub, () => 0);
  const slow = await app.request("/api/v1/events", { headers: { "last-event-id": "0" } });
  const quick = await app.request("/api/v1/events", { headers: { "last-event-id": "0" } });
  const reader = quick.body!.getReader();
  let heard = "";
  const long = "x".repeat(60_000);
  for (let id = 1; id <= 6; id++) {
    hub.say([event(id, `${id}${long}`)]);
    while (!heard.includes(`id: ${id}\n`))
      heard += new TextDecoder().decode((await reader.read()).value);
  }
  expect(hub.listeners.size).toBe(1);
  await expect(slow.text()).rejects.toThrow("fell behind");
  expect(heard.match(/^data: ./gm)).toEqual([
    "data: m",
    "data: 2",
    "data: 3",
    "data: 4",
    "data: 5",
    "data: 6",
  ]);
  await reader.cancel();
  expect(hub.listeners.size).toBe(0);
});

afterEach(() => {
  vi.useRealTimers();
});

test("H12: every reader hears a heartbeat every 15 s, whatever its topics, and no number with it", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const app = eventRoutes({ eventsAfter: async () => [] }, fakeHub(), () => 0);
  const answer = await app.request("/api/v1/events?topics=version");
  const reader = answer.body!.getReader();
  const read = async () => new TextDecoder().decode((await reader.read()).value);
  expect(await read()).toMatch(/^retry: /);
  for (let beat = 0; beat < 2; beat++) {
    vi.advanceTimersByTime(15_000);
    expect(await read()).toBe("event: heartbeat\ndata: {}\n\n");
  }
  await reader.cancel();
  expect(vi.getTimerCount()).toBe(0);
});

test("readers that lose their line at once do not come back at once", async () => {
  const chances = [0, 0.25, 1];
  const retries: (string | undefined)[] = [];
  for (const chance of chances) {
    const app = eventRoutes({ eventsAfter: async () => [] }, fakeHub(), () => chance);
    const reader = (await app.request("/api/v1/events")).body!.getReader();
    const greeting = new TextDecoder().decode((await reader.read()).value);
    retries.push(/^retry: (\d+)$/m.exec(greeting)?.[1]);
    await reader.cancel();
  }
  expect(retries).toEqual(["2000", "4000", "10000"]);
});
