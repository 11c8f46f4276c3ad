import type { Fetch } from "../../core/protocol/fetch.ts";

/**
 * `fetch` that gives a whole read up after `timeoutMs`, unless the caller decides by a signal of its own. What
 * the page reads is small; the worker, which fetches megabytes, waits piece by piece instead.
 */
export function timedRead(fetch: Fetch, timeoutMs: number): Fetch {
  return (url, init) =>
    fetch(url, { ...init, signal: init.signal ?? AbortSignal.timeout(timeoutMs) });
}
