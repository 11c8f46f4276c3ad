import type { Fetch, FetchAnswer } from "../../core/protocol/fetch.ts";
import { ANSWER_TIMEOUT_MS } from "../../core/protocol/timeouts.ts";
import type { Platform } from "../device/platform.ts";

const PIECE_MS = 30_000; // of a body that has begun

/**
 * `fetch` that gives up when nothing comes for long: a relay whose machine went to sleep closes no
 * connection, and the platforms wait for hours.
 */
export function timedFetch(fetch: Fetch, { sleep }: Pick<Platform, "sleep">): Fetch {
  return async (url, init) => {
    const late = new AbortController();
    const signal = init.signal === undefined ? late.signal : eitherOf(init.signal, late.signal);

    async function within<T>(ms: number, work: Promise<T>): Promise<T> {
      const done = new AbortController();
      const timeout = sleep(ms, done.signal).then(() => {
        late.abort();
        throw new Error(`nothing came within ${ms} ms`);
      });
      try {
        return await Promise.race([work, timeout]);
      } finally {
        done.abort();
      }
    }

    const answer: FetchAnswer = await within(ANSWER_TIMEOUT_MS, fetch(url, { ...init, signal }));
    const { ok, status, headers, body } = answer;
    return {
      ok,
      status,
      headers,
      body: body && {
        getReader() {
          const reader = body.getReader();
          return {
            read: () => within(PIECE_MS, reader.read()),
            cancel: () => reader.cancel(),
          };
        },
      },
    };
  };
}

/** Aborted with the first of the two. */
function eitherOf(one: AbortSignal, other: AbortSignal): AbortSignal {
  if (AbortSignal.any !== undefined) return AbortSignal.any([one, other]);
  // Safari before 17.4 and Firefox 115, where only Try runs: its signals don't outlive a load, nor these listeners
  const either = new AbortController();
  for (const signal of [one, other]) {
    const follow = () => either.abort(signal.reason);
    if (signal.aborted) follow();
    signal.addEventListener("abort", follow);
  }
  return either.signal;
}
