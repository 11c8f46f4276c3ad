import { Worker } from "node:worker_threads";
import { type Callable, callThread } from "./call-port.ts";

const ENTRY = new URL("./background-thread.ts", import.meta.url);

/**
 * The methods of the background thread in `url`, which is started by the first call, and anew by the next one after it died, of
 * too little memory for one, or was idle for `idleMs` and ended for its memory's sake. What it was doing as it died is
 * rejected, and so is every call after `close`. `onStart` tells every new thread what it must know before its first call.
 */
export function keepThread<T extends Callable>(
  url: URL,
  onStart: (thread: T) => Promise<void>,
  idleMs = Number.POSITIVE_INFINITY,
): { readonly thread: T; isRunning(): boolean; close(): Promise<void> } {
  let worker: Worker | null = null;
  let thread: T | null = null;
  let isClosed = false;
  let calls = 0;
  let rest: NodeJS.Timeout | undefined;

  function start(): T {
    if (isClosed) throw new Error("the thread has ended");
    const started = new Worker(ENTRY, { workerData: { url: url.href } });
    started.once("exit", () => {
      if (worker === started) thread = null;
    });
    worker = started;
    thread = callThread<T>(started);
    onStart(thread).catch(() => {}); // the calls that need it fail and say why
    return thread;
  }

  function end(): void {
    thread = null; // the next call starts another
    void worker?.terminate();
  }

  async function call(method: string, args: readonly unknown[]): Promise<unknown> {
    clearTimeout(rest);
    calls++;
    try {
      return await (thread ?? start())[method]?.(...args);
    } finally {
      calls--;
      if (calls === 0 && thread !== null && Number.isFinite(idleMs)) {
        rest = setTimeout(end, idleMs).unref();
      }
    }
  }
  const methods = new Proxy({} as T, {
    get: (_, method) =>
      typeof method === "string" && method !== "then" // a proxy with `then` would be awaited
        ? (...args: unknown[]) => call(method, args)
        : undefined,
  });
  return {
    thread: methods,
    isRunning: () => thread !== null,
    async close() {
      isClosed = true;
      clearTimeout(rest);
      await worker?.terminate();
    },
  };
}
