import { expect, test } from "vitest";
import type { EventStream } from "./feed.ts";
import { openSharedStream } from "./shared-stream.ts";

class FakeSource extends EventTarget {
  readyState = 0;
  close() {
    this.readyState = 2;
  }
  open() {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }
}

/** A browser whose tabs share a lock and a channel; `sources` are the streams that were really opened. */
function browser() {
  const sources: FakeSource[] = [];
  const hearers = new Set<(event: { data: never }) => void>();
  let turn: Promise<unknown> = Promise.resolve();
  const locks = {
    request(_: string, { signal }: { signal: AbortSignal }, work: () => Promise<unknown>) {
      const mine = turn.then(() => (signal.aborted ? undefined : work()));
      turn = mine;
      return mine;
    },
  };
  function openTab() {
    const log: string[] = [];
    let own: (event: { data: never }) => void = () => {};
    const stream = openSharedStream(
      () => {
        const source = new FakeSource();
        sources.push(source);
        return source as unknown as EventStream;
      },
      ["version"],
      {
        locks: locks as unknown as LockManager,
        openChannel: () => ({
          postMessage(data) {
            for (const hear of hearers) if (hear !== own) hear({ data: data as never });
          },
          addEventListener(_, hear) {
            own = hear as typeof own;
            hearers.add(own);
          },
          close: () => void hearers.delete(own),
        }),
      },
    );
    stream.addEventListener("open", () => log.push("open"));
    stream.addEventListener("version", ({ data }) => log.push(data));
    return { stream, log };
  }
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { sources, openTab, settle };
}

test("six tabs have one stream, and all hear what it brings, also those that came later", async () => {
  const { sources, openTab, settle } = browser();
  const tabs = Array.from({ length: 5 }, openTab);
  await settle();
  expect(sources).toHaveLength(1);
  sources[0]?.open();
  const late = openTab();
  await settle();
  sources[0]?.dispatchEvent(new MessageEvent("version", { data: "7" }));
  for (const { log } of tabs) expect(log).toContain("7");
  expect(late.log).toEqual(["open", "7"]);
  expect(sources).toHaveLength(1);
});

test("when the tab with the stream goes, another takes over", async () => {
  const { sources, openTab, settle } = browser();
  const [first, second] = [openTab(), openTab()];
  await settle();
  first.stream.close();
  await settle();
  expect(sources.map(({ readyState }) => readyState)).toEqual([2, 0]);
  sources[1]?.open();
  sources[1]?.dispatchEvent(new MessageEvent("version", { data: "8" }));
  expect(second.log).toEqual(["open", "8"]);
  expect(first.log).toEqual([]);
  second.stream.close();
});
