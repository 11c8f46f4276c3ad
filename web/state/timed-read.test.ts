import { expect, test } from "vitest";
import { createRelayClient } from "../../core/protocol/client.ts";
import type { Fetch } from "../../core/protocol/fetch.ts";
import { createResource } from "./resource.svelte.ts";
import { timedRead } from "./timed-read.ts";

/** A relay that never answers; a request ends only by its signal. */
const hangs: Fetch = (_url, { signal }) =>
  new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason));
  });

test("a read that hangs is given up, so that its resource can be read again", async () => {
  const client = createRelayClient({ baseUrl: "http://relay", fetch: timedRead(hangs, 1) });
  const health = createResource(() => client.health());
  await health.refresh();
  expect(health.problem).toMatch(/can't be reached/);
});

test("a caller that has a signal waits as long as it likes", async () => {
  const stop = new AbortController();
  const client = createRelayClient({ baseUrl: "http://relay", fetch: timedRead(hangs, 1) });
  const asked = client.health({ signal: stop.signal });
  stop.abort();
  await expect(asked).rejects.toMatchObject({ name: "AbortError" });
});
