import { expect, test } from "vitest";
import { RelayError } from "../../core/protocol/relay-error.ts";
import { withPatience } from "./patience.ts";

/** Runs `work`, which fails with each of `errors` in turn, and tells the seconds it waited. */
async function waits(errors: readonly Error[], chance = 0): Promise<number[]> {
  const left = [...errors];
  const seconds: number[] = [];
  const platform = {
    now: () => 0,
    steadyMs: () => 0,
    random: () => chance,
    sleep: async (ms: number) => {
      seconds.push(ms / 1000);
    },
  };
  await withPatience(
    async () => {
      const error = left.shift();
      if (error !== undefined) throw error;
    },
    { platform, signal: new AbortController().signal, onWait: () => {} },
  );
  return seconds;
}
const unreachable = new RelayError("unreachable", "retry", "no answer");

test("the pauses double up to a minute", async () => {
  const errors = Array.from({ length: 8 }, () => unreachable);
  expect(await waits(errors)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
});

test("chance shortens a pause by up to half", async () => {
  expect(await waits([unreachable, unreachable], 1)).toEqual([0.5, 1]);
});

test("the relay's own word on when to come back is kept to", async () => {
  expect(await waits([new RelayError("rate-limited", "retry", "busy", 17)])).toEqual([17]);
});

test.each([
  new RelayError("model-unknown", "discard", "no such model"),
  new RelayError("stale", "new-ticket", "too old"),
  new Error("our bug"),
])("what does not get better by waiting is thrown at once: %s", async (error) => {
  await expect(waits([error])).rejects.toBe(error);
});

test("a stopped wait ends with the signal's reason", async () => {
  const stop = new AbortController();
  const platform = {
    now: () => 0,
    steadyMs: () => 0,
    random: () => 0,
    sleep: async (_ms: number, signal?: AbortSignal) => signal?.throwIfAborted(),
  };
  const waiting = withPatience(() => Promise.reject(unreachable), {
    platform,
    signal: stop.signal,
    onWait: () => stop.abort(),
  });
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
});

test("a relay that can't be reached is asked at once when the device is online again", async () => {
  const listening = new Set<() => void>();
  let asked = 0;
  await withPatience(
    async () => {
      if (++asked < 3) throw unreachable;
    },
    {
      platform: {
        now: () => 0,
        steadyMs: () => 0,
        random: () => 0,
        sleep: (_ms, signal) =>
          new Promise((_resolve, reject) => {
            signal?.addEventListener("abort", () => reject(signal.reason));
            for (const wake of listening) wake();
          }),
        onOnline(wake) {
          listening.add(wake);
          return () => listening.delete(wake);
        },
      },
      signal: new AbortController().signal,
      onWait: () => {},
    },
  );
  expect(asked).toBe(3);
  expect(listening.size).toBe(0);
});

test("a relay that is only busy is left in peace for as long as it asked, online again or not", async () => {
  let listened = false;
  const stop = new AbortController();
  const waited = withPatience(
    () => Promise.reject(new RelayError("rate-limited", "retry", "busy")),
    {
      platform: {
        now: () => 0,
        steadyMs: () => 0,
        random: () => 0,
        sleep: async (_ms, signal) => {
          stop.abort(new Error("enough"));
          signal?.throwIfAborted();
        },
        onOnline() {
          listened = true;
          return () => {};
        },
      },
      signal: stop.signal,
      onWait: () => {},
    },
  );
  await expect(waited).rejects.toThrow("enough");
  expect(listened).toBe(false);
});
