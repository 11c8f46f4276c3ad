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
    onLive: (live) => log.push(live ? "live" : "down"),
  });
  return { streams, log, close };
}

test("everything is read again whenever the stream opens, since events may have been missed", () => {
  const { streams, log, close } = listen();
  streams[0]?.dispatchEvent(new Event("open"));
  streams[0]?.dispatchEvent(new Event("error"));
  streams[0]?.dispatchEvent(new Event("open"));
  expect(log).toEqual(["live", "resync", "down", "live", "resync"]);
  close();
});

test("while the stream is down the relay is polled, and no longer once it is back", () => {
  const { streams, log, close } = listen();
  vi.advanceTimersByTime(30_000);
  expect(log).toEqual(["resync", "resync"]);
  streams[0]?.dispatchEvent(new Event("open"));
  vi.advanceTimersByTime(60_000);
  expect(log).toEqual(["resync", "resync", "live", "resync"]);
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
