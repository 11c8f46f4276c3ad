import { afterEach, expect, test, vi } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import { createRelayClient } from "../../core/protocol/client.ts";
import { timedFetch } from "./timed-fetch.ts";

const request = { method: "GET", headers: {} } as const;
const never = new Promise<never>(() => {});

/** Timers that only run out when told to. */
function handTimers() {
  const running = new Set<() => void>();
  const sleep = (_ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      running.add(resolve);
      signal?.addEventListener("abort", () => {
        running.delete(resolve);
        reject(signal.reason);
      });
    });
  const runOut = () => {
    for (const end of running) end();
  };
  return { running, sleep, runOut };
}

afterEach(() => vi.unstubAllGlobals());

test("an answer that comes in time passes through and leaves no timer", async () => {
  const timers = handTimers();
  const bytes = new Uint8Array([1, 2]);
  const fetch = timedFetch(async () => new Response(bytes), timers);
  const client = createRelayClient({ baseUrl: "http://relay.test", fetch });
  expect(await client.blob(await sha256(bytes))).toEqual(bytes);
  expect(timers.running.size).toBe(0);
});

test("a relay that never answers is given up, and its request is taken back", async () => {
  const timers = handTimers();
  let signal: AbortSignal | undefined;
  const fetch = timedFetch((_url, init) => {
    signal = init.signal;
    return never;
  }, timers);
  const asked = fetch("http://relay.test", request);
  timers.runOut();
  await expect(asked).rejects.toThrow(/nothing came within 120000 ms/);
  expect(signal?.aborted).toBe(true);
});

test("a body that stalls is 'unreachable' to the client", async () => {
  const timers = handTimers();
  const stalled = new ReadableStream<Uint8Array>({ pull: () => never });
  const fetch = timedFetch(async () => new Response(stalled), timers);
  const asked = createRelayClient({ baseUrl: "http://relay.test", fetch }).health();
  await new Promise((resolve) => setImmediate(resolve));
  timers.runOut();
  await expect(asked).rejects.toMatchObject({ code: "unreachable", action: "retry" });
});

/** AbortSignal as Safari 17.3 and Firefox 115 have it, where versions can be tried but nothing is trained. */
class OldAbortSignal extends AbortSignal {}
Object.defineProperty(OldAbortSignal, "any", { value: undefined });

test.each([
  ["", AbortSignal],
  [", also in a browser without AbortSignal.any", OldAbortSignal],
])("the caller's own abort reaches the request%s", async (_, signals) => {
  vi.stubGlobal("AbortSignal", signals);
  const stop = new AbortController();
  let signal: AbortSignal | undefined;
  const fetch = timedFetch(async (_url, init) => {
    signal = init.signal;
    return new Response("x");
  }, handTimers());
  await fetch("http://relay.test", { ...request, signal: stop.signal });
  expect(signal?.aborted).toBe(false);
  stop.abort(new Error("no longer wanted"));
  expect(signal?.reason).toEqual(new Error("no longer wanted"));
  await fetch("http://relay.test", { ...request, signal: stop.signal });
  expect(signal?.reason).toEqual(new Error("no longer wanted"));
});
