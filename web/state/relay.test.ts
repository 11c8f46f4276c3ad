import { afterEach, expect, test, vi } from "vitest";
import { createRelayClient } from "../../core/protocol/client.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import type { Contribution } from "../../core/protocol/schemas/contribution.ts";
import type { EventStream } from "./feed.ts";
import { createMemory, type Memory, noMemory } from "./memory.ts";
import { createRelay } from "./relay.svelte.ts";

const own = "b".repeat(64);
const contribution = (change: Partial<Contribution>): Contribution => ({
  id: "a".repeat(64),
  model: "digits",
  contributor: own,
  base: 3,
  state: "received",
  reason: null,
  examples: 100,
  sizeBytes: 100,
  receivedAt: 1,
  updatedAt: 1,
  version: null,
  multiplier: null,
  credit: 0,
  ...change,
});
const health = {
  status: "ok",
  software: "commonweight 0.1.0",
  protocol: { oldest: 1, newest: 1 },
  relayKey: own,
  time: 1,
  swarm: null,
  models: [],
};

const modelHealth = {
  model: "second",
  head: 0,
  waiting: { received: 0, scored: 0, queued: 0 },
  oldestSeconds: 0,
  lastMergeAt: null,
  merged24h: 0,
  refused24h: 0,
  turnedAway: 0,
  release: null,
  standard: 0,
  onMask24h: null,
  scoreSeconds: null,
  gateTests: [],
  packets: [],
  caught: [],
  swarm: null,
  paused: false,
  retired: null,
  acts: 0,
  problem: null,
};

/** The page's relay over answers that the test writes, and a stream that it speaks through. */
function stage(
  answers: Record<string, unknown>,
  { memory = noMemory, isCodeThere = true }: { memory?: Memory; isCodeThere?: boolean } = {},
) {
  const asked: string[] = [];
  const stream = new EventTarget();
  const client = createRelayClient({
    baseUrl: "http://relay",
    fetch: async (url) => {
      const path = url.replace("http://relay/api/v1", "");
      asked.push(path);
      const answer = answers[path];
      if (answer === undefined) throw new TypeError("Failed to fetch");
      if (answer instanceof Promise) await answer;
      if (answer instanceof Response) return answer;
      return new Response(JSON.stringify(answer));
    },
  });
  const relay = createRelay(
    client,
    async () => {
      if (isCodeThere) return client;
      throw new RelayError("unreachable", "retry", "the code does not come");
    },
    () => Object.assign(stream, { close: () => {}, readyState: 1 }) as unknown as EventStream,
    { now: () => Date.now(), steadyMs: () => Date.now() },
    memory,
  );
  const say = (type: string, data: unknown) =>
    stream.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }));
  return { relay, asked, say, stream };
}

afterEach(() => {
  vi.useRealTimers();
});

test("the link is live with the stream, delayed without it, offline without answers", async () => {
  const { relay, stream } = stage({ "/health": health });
  expect(relay.link).toBe("connecting");
  const close = relay.open();
  await relay.health.refresh();
  expect(relay.link).toBe("polling");
  stream.dispatchEvent(new Event("open"));
  expect(relay.link).toBe("live");
  stream.dispatchEvent(new Event("error"));
  await relay.models.refresh();
  expect(relay.link).toBe("offline");
  expect(relay.models.problem).toMatch(/can't be reached/);
  close();
});

test("where the code of the later views does not come, what is there at first is read, and they say why they are empty", async () => {
  const { relay, asked } = stage({ "/health": health }, { isCodeThere: false });
  await relay.health.refresh();
  expect(relay.health.value).not.toBeNull();
  const flow = relay.flow("digits");
  await flow.refresh();
  expect(flow.problem).toMatch(/can't be reached/);
  expect(asked).toEqual(["/health"]);
  await relay.desk.look();
  expect(relay.desk.name).toBeNull();
});

test("an answer of 426 means that the page is outdated, and nothing else does", async () => {
  const refusal = { error: { code: "outdated", message: "protocol 1 is gone" } };
  const { relay } = stage({ "/models": Response.json(refusal, { status: 426 }) });
  await relay.health.refresh();
  expect(relay.outdated).toBe(false);
  await relay.models.refresh();
  expect(relay.outdated).toBe(true);
});

test("only this browser's contributions are followed, and an older word never replaces a newer one", async () => {
  const { relay, asked, say } = stage({
    [`/contributions?contributor=${own}`]: { contributions: [contribution({ updatedAt: 5 })] },
  });
  const close = relay.open();
  relay.follow(own);
  await expect.poll(() => relay.contributions.size).toBe(1);
  say("contribution", { contribution: contribution({ state: "queued", updatedAt: 9 }) });
  say("contribution", { contribution: contribution({ state: "scored", updatedAt: 7 }) });
  const foreign = { id: "c".repeat(64), contributor: "d".repeat(64) };
  say("contribution", { contribution: contribution(foreign) });
  expect([...relay.contributions.values()].map(({ state }) => state)).toEqual(["queued"]);
  expect(asked).toHaveLength(1);
  close();
});

test("a board is read again on the event of its model, while it is watched", async () => {
  const board = { model: "digits", window: "all", entries: [] };
  const { relay, asked, say } = stage({ "/leaderboard?model=digits&window=all": board });
  const close = relay.open();
  const unwatch = relay.board("digits", "all").watch();
  await expect.poll(() => relay.board("digits", "all").value).toEqual(board);
  say("leaderboard", { model: "presidents" });
  say("leaderboard", { model: "digits" });
  await expect.poll(() => asked.length).toBe(2);
  unwatch();
  say("leaderboard", { model: "digits" });
  await relay.health.refresh();
  expect(asked.slice(2)).toEqual(["/health"]);
  close();
});

test("a relay that is starting is told apart from one that is away", async () => {
  const error = { code: "unavailable", message: "the relay is starting" };
  const answers: Record<string, unknown> = { "/models": Response.json({ error }, { status: 503 }) };
  const { relay } = stage(answers);
  await relay.models.refresh();
  expect(relay.starting).toBe(true);
  delete answers["/models"];
  await relay.models.refresh();
  expect(relay.starting).toBe(false);
  expect(relay.link).toBe("offline");
});

test("a relay that answers with an error of its own is there, and the error is told", async () => {
  const error = { code: "internal", message: "the relay made a mistake" };
  const { relay } = stage({ "/models": Response.json({ error }, { status: 500 }) });
  await relay.models.refresh();
  expect(relay.link).toBe("polling");
  expect(relay.models.problem).toBe("the relay made a mistake");
});

test("a newer relay's answer that this page can't read means that the page is outdated", async () => {
  const { relay } = stage({ "/models": { models: "in another place" } });
  await relay.models.refresh();
  expect(relay.outdated).toBe(true);
  expect(relay.link).toBe("polling");
});

test("what could not be read is read again while the stream is up, and nothing else is", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
  const answers: Record<string, unknown> = { "/models": { models: [] } };
  const { relay, asked, stream } = stage(answers);
  const close = relay.open();
  stream.dispatchEvent(new Event("open"));
  relay.models.watch();
  relay.health.watch();
  await expect.poll(() => relay.health.problem).not.toBe(null);
  answers["/health"] = health;
  vi.advanceTimersByTime(15_000);
  await expect.poll(() => relay.health.value).toEqual(health);
  vi.advanceTimersByTime(15_000);
  await relay.models.refresh();
  expect(asked).toEqual(["/models", "/health", "/health", "/models"]);
  expect(relay.link).toBe("live");
  close();
});

test("what an earlier visit saw is there at once, is not fresh, and gives way to the relay's answer", async () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  const open = () => createMemory(storage, "a", (work) => work());
  const first = stage({ "/health": health }, { memory: open() });
  await first.relay.health.refresh();
  const answers: Record<string, unknown> = {};
  const { relay } = stage(answers, { memory: open() });
  expect([relay.health.value, relay.health.isFresh]).toEqual([health, false]);
  await relay.health.refresh();
  expect([relay.health.value, relay.health.isFresh, relay.isOld]).toEqual([health, false, true]);
  answers["/health"] = { ...health, status: "degraded" };
  await relay.health.refresh();
  expect([relay.health.value?.status, relay.health.isFresh]).toEqual(["degraded", true]);
});

test("a model of which the page hears for the first time is on its list at once", async () => {
  const { relay, asked, say } = stage({ "/models": { models: [] }, "/health": health });
  await Promise.all([relay.models.refresh(), relay.health.refresh()]);
  const close = relay.open();
  say("health", modelHealth);
  say("health", { ...modelHealth, merged24h: 1 });
  expect(relay.health.value?.models).toEqual([{ ...modelHealth, merged24h: 1 }]);
  await expect.poll(() => asked.filter((path) => path === "/models").length).toBeGreaterThan(1);
  close();
});

test.each(["suites", "acts"] as const)(
  "%s are read again once a maintainer has acted, while somebody watches them",
  async (what) => {
    const { relay, asked, say } = stage({
      "/models": { models: [] },
      [`/models/second/${what}`]: { [what]: [] },
      "/health": { ...health, models: [modelHealth] },
    });
    await Promise.all([relay.models.refresh(), relay.health.refresh()]);
    const reads = () => asked.filter((path) => path === `/models/second/${what}`).length;
    const close = relay.open();
    say("health", { ...modelHealth, acts: 1 });
    const unwatch = relay[what]("second").watch();
    await relay[what]("second").refresh();
    const before = reads();
    say("health", { ...modelHealth, acts: 1, merged24h: 1 });
    say("health", { ...modelHealth, acts: 2 });
    await expect.poll(reads).toBe(before + 1);
    unwatch();
    say("health", { ...modelHealth, acts: 3 });
    await relay.health.refresh();
    expect(reads()).toBe(before + 1);
    close();
  },
);

test("what became of this browser's patches is kept, so that offline a merged one stays merged", () => {
  const memory = createMemory({ getItem: () => null, setItem: () => {} }, "a", () => {});
  const known = stage({}, { memory });
  known.relay.follow(own);
  const close = known.relay.open();
  known.say("contribution", { contribution: contribution({ state: "merged", updatedAt: 9 }) });
  close();
  const { relay } = stage({}, { memory });
  relay.follow(own);
  expect([...relay.contributions.values()].map(({ state }) => state)).toEqual(["merged"]);
});

test("a relay that falls silent is old news within seconds after its heartbeat is due", () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
  const { relay, stream } = stage({});
  const close = relay.open();
  stream.dispatchEvent(new Event("open"));
  vi.advanceTimersByTime(14_000);
  expect([relay.isOld, relay.link]).toEqual([false, "live"]);
  vi.advanceTimersByTime(9_000);
  expect([relay.isOld, relay.link]).toEqual([true, "polling"]);
  stream.dispatchEvent(new MessageEvent("heartbeat", { data: "{}" }));
  expect([relay.isOld, relay.link]).toEqual([false, "live"]);
  close();
});

test("while somebody looks at Health, a relay that stands still is old news within 5 s, and its answer makes it new", async () => {
  vi.useFakeTimers();
  const answers: Record<string, unknown> = { "/health": health };
  const { relay, stream } = stage(answers);
  const close = relay.open();
  stream.dispatchEvent(new Event("open"));
  const leave = relay.attend();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(relay.isOld).toBe(false);
  answers["/health"] = new Promise(() => {}); // the line holds, and nothing comes
  await vi.advanceTimersByTimeAsync(5_000);
  expect(relay.isOld).toBe(true);
  stream.dispatchEvent(new MessageEvent("heartbeat", { data: "{}" }));
  await vi.advanceTimersByTimeAsync(500);
  expect(relay.isOld).toBe(false);
  leave();
  await vi.advanceTimersByTimeAsync(15_000);
  expect(relay.isOld).toBe(false); // a spectator only listens
  close();
});
