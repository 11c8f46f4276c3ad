import { afterEach, expect, test, vi } from "vitest";
import type { HubListener } from "../store/event-hub.ts";
import type { EventRow } from "../store/tables.ts";
import { eventRoutes } from "./event-routes.ts";

/** A hub that a test speaks through. */
function fakeHub() {
  const listeners = new Set<HubListener>();
  return {
    listeners,
    say: (events: readonly EventRow[]) => {
      for (const listener of listeners) listener.hear(events);
    },
    wake() {},
    close() {},
    last: () => 0,
    listen(listener: HubListener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

type Source = Parameters<typeof eventRoutes>[0];

type TestStatus = Pick<Source["status"], "eventsAfter"> & Partial<Source["status"]>;
const routesOf = (ledger: TestStatus, hub: Source["hub"], chance = 0) => {
  const status = { lastEvent: async () => hub.last(), ...ledger };
  return eventRoutes({ status, hub, chance: () => chance, enter: () => () => {} });
};

const event = (id: number, data: string): EventRow => ({ id, type: "health", topic: "tiny", data });

test("H12: a reader that falls behind is dropped, one that reads hears everything once", async () => {
  const hub = fakeHub();
  const missed = [event(1, "missed")];
  const app = routesOf({ eventsAfter: async () => missed }, hub, 0);
  const slow = await app.request("/api/v1/events", { headers: { "last-event-id": "0" } });
  const quick = await app.request("/api/v1/events", { headers: { "last-event-id": "0" } });
  const reader = quick.body!.getReader();
  let heard = "";
  const long = "x".repeat(60_000);
  for (let id = 1; id <= 7; id++) {
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
    "data: 7",
  ]);
  await reader.cancel();
  expect(hub.listeners.size).toBe(0);
});

/** A hub and a ledger that hold `rows`; `meanwhile` runs while the ledger answers a read. */
function returningTo(rows: readonly EventRow[], meanwhile = () => {}) {
  const hub = { ...fakeHub(), last: () => rows.length };
  const asked: number[] = [];
  const status = {
    async eventsAfter(after: number, limit: number, types: readonly string[] = []) {
      if (limit === 1) return rows.slice(0, 1); // how far back it remembers
      asked.push(after);
      const found = rows.filter(({ id, type }) => id > after && types.includes(type));
      meanwhile();
      return found.slice(0, limit);
    },
  };
  return { hub, asked, app: routesOf(status, hub) };
}

/** What a reader hears until `last`. */
async function readUntil(answer: Response, last: string): Promise<string> {
  const reader = answer.body!.getReader();
  let heard = "";
  while (!heard.includes(last)) heard += new TextDecoder().decode((await reader.read()).value);
  await reader.cancel();
  return heard;
}

const numbersIn = (heard: string) =>
  [...heard.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

test("H12: who was away hears all that it missed of its topics, each with its number", async () => {
  const rows = Array.from({ length: 3000 }, (_, i): EventRow => {
    return { ...event(i + 1, `{"n":${i + 1}}`), type: i % 3 === 2 ? "version" : "health" };
  });
  const { app } = returningTo(rows);
  const headers = { "last-event-id": "30" };
  const heard = await readUntil(
    await app.request("/api/v1/events?topics=version", { headers }),
    "id: 3000\n",
  );
  const first = 30; // the greeting says what the reader has: if the line breaks now, nothing is lost
  expect(numbersIn(heard)).toEqual([first, ...Array.from({ length: 990 }, (_, i) => 33 + 3 * i)]);
});

test("H12: what is missed is read as the reader takes it, however much it is", async () => {
  const rows = Array.from({ length: 1024 }, (_, i) => {
    return { ...event(i + 1, "x".repeat(2000)), type: "version" };
  });
  const { app, asked, hub } = returningTo(rows);
  const answer = await app.request("/api/v1/events", { headers: { "last-event-id": "0" } });
  await new Promise(setImmediate);
  expect(asked).toEqual([0]); // 500 KB wait for the reader
  const heard = await readUntil(answer, "id: 1024\n");
  expect(heard.match(/^event: version$/gm)).toHaveLength(1024);
  expect(hub.listeners.size).toBe(0);
});

/** A reader that has event 1 of two returns; `told` more are committed and told during each of its reads. */
async function returningToNews(told: number) {
  const rows = [1, 2].map((id) => event(id, "{}"));
  const news = (count: number) => {
    const fresh = Array.from({ length: count }, (_, i) => event(rows.length + 1 + i, "{}"));
    rows.push(...fresh);
    hub.say(fresh);
  };
  let reads = 0;
  const { app, asked, hub } = returningTo(rows, () => {
    if (reads++ < 20) news(told); // at some time the test ends
  });
  const answer = await app.request("/api/v1/events", { headers: { "last-event-id": "1" } });
  await new Promise(setImmediate);
  news(1);
  return { asked, last: rows.length, heard: await readUntil(answer, `id: ${rows.length}\n`) };
}

test("H12: who returns hears what was told during its read, once, and is not read for again", async () => {
  const { asked, heard } = await returningToNews(3);
  expect(asked).toEqual([1]);
  expect(numbersIn(heard)).toEqual([1, 2, 3, 4, 5, 6]);
});

test("H12: who returns is read for again where more was told during its read than is kept", async () => {
  const { asked, heard, last } = await returningToNews(300);
  expect(asked.slice(0, 2)).toEqual([1, 2]);
  expect(new Set(asked).size).toBe(asked.length);
  const numbers = numbersIn(heard);
  expect(numbers.at(-1)).toBe(last);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
});

test("H12: who returns slowly is not dropped for what it missed when the next event comes", async () => {
  const rows = Array.from({ length: 200 }, (_, i) => {
    return { ...event(i + 1, "x".repeat(2000)), type: "version" };
  });
  const { app, hub } = returningTo(rows);
  const answer = await app.request("/api/v1/events", { headers: { "last-event-id": "0" } });
  await new Promise(setImmediate); // 400 KB wait for the reader
  rows.push(event(201, "{}"));
  hub.say(rows.slice(-1));
  expect(numbersIn(await readUntil(answer, "id: 201\n"))).toHaveLength(202);
});

test("H12: a reader that waits hears one event, however large it is", async () => {
  const hub = fakeHub();
  const app = routesOf({ eventsAfter: async () => [] }, hub, 0);
  const answer = await app.request("/api/v1/events");
  hub.say([event(1, "x".repeat(300_000))]);
  expect(await readUntil(answer, "id: 1\n")).toContain("event: health");
});

test("H12: a number that no event had yet is the present", async () => {
  const { app, hub } = returningTo([event(1, "{}")]);
  const answer = await app.request("/api/v1/events", { headers: { "last-event-id": "99" } });
  await new Promise(setImmediate);
  hub.say([event(2, "{}")]);
  expect(await readUntil(answer, "id: 2\n")).not.toContain("id: 99");
});

test.each([
  ["remembers all that it missed", 2, [3, 4, 5, 6], false],
  ["forgot some of that", 2, [4, 5, 6], true],
  ["never told what it has, as a ledger of earlier", 9, [3, 4, 5, 6], true],
])("H12: a reader that returns to a relay that %s hears so", async (_, since, known, isGap) => {
  const hub = { ...fakeHub(), last: () => 6 };
  const eventsAfter = async (after: number) =>
    known.filter((id) => id > after).map((id) => event(id, "{}"));
  const headers = { "last-event-id": String(since) };
  const answer = await routesOf({ eventsAfter }, hub).request("/api/v1/events", { headers });
  await new Promise(setImmediate);
  hub.say([event(7, "{}")]);
  expect((await readUntil(answer, "id: 7\n")).includes("event: gap\n")).toBe(isGap);
});

test("H12: a reader that another relay told more than this one has heard of misses nothing and hears nothing twice", async () => {
  const hub = { ...fakeHub(), last: () => 6 };
  const ledger = { eventsAfter: async () => [], lastEvent: async () => 8 };
  const headers = { "last-event-id": "8" };
  const answer = await routesOf(ledger, hub).request("/api/v1/events", { headers });
  await new Promise(setImmediate);
  hub.say([7, 8, 9].map((id) => event(id, "{}")));
  const heard = await readUntil(answer, "id: 9\n");
  expect(heard).not.toContain("event: gap\n");
  expect(numbersIn(heard)).toEqual([6, 9]); // the greeting's number, which is no event
});

test("H12: HEAD begins no stream", async () => {
  const hub = fakeHub();
  const app = routesOf({ eventsAfter: async () => [] }, hub, 0);
  const answer = await app.request("/api/v1/events", { method: "HEAD" });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  expect(hub.listeners.size).toBe(0);
});

afterEach(() => {
  vi.useRealTimers();
});

test("H12: a reader that takes nothing from one heartbeat to the next is dropped", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const hub = fakeHub();
  const app = routesOf({ eventsAfter: async () => [] }, hub, 0);
  const answer = await app.request("/api/v1/events");
  const reader = answer.body!.getReader();
  hub.say([1, 2].map((id) => event(id, "x".repeat(300_000))));
  vi.advanceTimersByTime(15_000);
  await reader.read(); // the greeting: it is slow, but not gone
  vi.advanceTimersByTime(15_000);
  expect(hub.listeners.size).toBe(1);
  vi.advanceTimersByTime(15_000);
  expect(hub.listeners.size).toBe(0);
  await expect(reader.read()).rejects.toThrow("fell behind");
});

test("H12: every reader hears a heartbeat every 15 s, whatever its topics, and no number with it", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const app = routesOf({ eventsAfter: async () => [] }, fakeHub(), 0);
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

test("H12: a hundred readers share one timer, and an event is encoded once for all of them", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout"] });
  const hub = fakeHub();
  const app = routesOf({ eventsAfter: async () => [] }, hub, 0);
  const open = async () => (await app.request("/api/v1/events")).body!.getReader();
  const readers = await Promise.all(Array.from({ length: 100 }, open));
  expect(vi.getTimerCount()).toBe(1);
  for (const reader of readers) await reader.read(); // the greeting, which has its own number
  const encode = vi.spyOn(TextEncoder.prototype, "encode");
  hub.say([event(1, "one")]);
  for (const reader of readers) {
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value)).toBe("id: 1\nevent: health\ndata: one\n\n");
  }
  expect(encode).toHaveBeenCalledTimes(1);
  encode.mockRestore();
  for (const reader of readers) await reader.cancel();
  expect(vi.getTimerCount()).toBe(0);
});

test("readers that lose their line at once do not come back at once", async () => {
  const chances = [0, 0.25, 1];
  const retries: (string | undefined)[] = [];
  for (const chance of chances) {
    const app = routesOf({ eventsAfter: async () => [] }, fakeHub(), chance);
    const reader = (await app.request("/api/v1/events")).body!.getReader();
    const greeting = new TextDecoder().decode((await reader.read()).value);
    retries.push(/^retry: (\d+)$/m.exec(greeting)?.[1]);
    await reader.cancel();
  }
  expect(retries).toEqual(["2000", "4000", "10000"]);
});
