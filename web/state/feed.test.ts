import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type EventStream, openFeed, parseEvent } from "./feed.ts";

class FakeStream extends EventTarget {
  readyState = 0;
  close() {
    this.readyState = 2;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function listen() {
  const streams: FakeStream[] = [];
  const log: string[] = [];
  const close = openFeed({
    open: () => {
      const stream = new FakeStream();
      streams.push(stream);
      return stream as unknown as EventStream;
    },
    onEvent: ({ type }) => log.push(type),
    onResync: () => log.push("resync"),
    onRound: () => log.push("round"),
    onLive: (live) => log.push(live ? "live" : "down"),
    onHeard: () => {},
    now: () => Date.now(),
    steadyMs: () => performance.now(),
  });
  return { streams, log, close };
}

test("everything is read again whenever the stream opens, since events may have been missed", () => {
  const { streams, log, close } = listen();
  streams[0]?.dispatchEvent(new Event("open"));
  streams[0]?.dispatchEvent(new Event("error"));
  streams[0]?.dispatchEvent(new Event("open"));
  expect(log).toEqual(["live", "resync", "down", "resync", "live", "resync"]);
  close();
});

test("while the stream is down the relay is polled, and no longer once it is back", () => {
  const { streams, log, close } = listen();
  vi.advanceTimersByTime(30_000);
  expect(log).toEqual(["resync", "resync"]);
  streams[0]?.dispatchEvent(new Event("open"));
  vi.advanceTimersByTime(30_000);
  expect(log).toEqual(["resync", "resync", "live", "resync", "round", "round"]);
  close();
});

test("a live stream that misses three heartbeats is dead: a new one is opened and the relay is polled", () => {
  const { streams, log, close } = listen();
  streams[0]?.dispatchEvent(new Event("open"));
  for (let beat = 0; beat < 4; beat++) {
    vi.advanceTimersByTime(15_000);
    streams[0]?.dispatchEvent(new MessageEvent("heartbeat", { data: "{}" }));
  }
  expect(log).toEqual(["live", "resync", "round", "round", "round", "round"]);
  vi.advanceTimersByTime(45_000);
  expect(streams).toHaveLength(1);
  vi.advanceTimersByTime(15_000);
  expect(streams.map(({ readyState }) => readyState)).toEqual([2, 0]);
  expect(log.slice(-2)).toEqual(["down", "resync"]);
  streams[1]?.dispatchEvent(new Event("open"));
  expect(log.slice(-2)).toEqual(["live", "resync"]);
  close();
});

test("any event is a sign of life, and a stream that never opens is opened anew", () => {
  const { streams, close } = listen();
  vi.advanceTimersByTime(60_000);
  expect(streams).toHaveLength(2);
  streams[1]?.dispatchEvent(new Event("open"));
  for (let i = 0; i < 8; i++) {
    vi.advanceTimersByTime(40_000);
    streams[1]?.dispatchEvent(new MessageEvent("leaderboard", { data: '{"model":"digits"}' }));
  }
  expect(streams).toHaveLength(2);
  close();
});

test("after an error answer, which browsers do not retry, a new stream is opened", () => {
  const { streams, close } = listen();
  streams[0]?.close();
  streams[0]?.dispatchEvent(new Event("error"));
  vi.advanceTimersByTime(15_000);
  expect(streams).toHaveLength(2);
  close();
  expect(streams[1]?.readyState).toBe(2);
});

test("an event that is not the protocol's is passed over", () => {
  const { streams, log, close } = listen();
  streams[0]?.dispatchEvent(new MessageEvent("leaderboard", { data: '{"model":"digits"}' }));
  streams[0]?.dispatchEvent(new MessageEvent("leaderboard", { data: '{"model":5}' }));
  streams[0]?.dispatchEvent(new MessageEvent("leaderboard", { data: "nonsense" }));
  expect(log).toEqual(["leaderboard"]);
  expect(parseEvent("unheard-of", "{}")).toBe(null);
  close();
});
