import type { EventStream } from "./feed.ts";

/** What is used of a BroadcastChannel, on which no tab hears itself. */
type Channel = {
  postMessage(message: Message): void;
  addEventListener(type: "message", hear: (event: { readonly data: Message }) => void): void;
  close(): void;
};
type Message =
  | { readonly kind: "hello" }
  | { readonly kind: "event"; readonly type: string; readonly data: unknown };

type Locks = Pick<LockManager, "request">;

const LOCK = "commonweight-events";
const OPEN = 1; // EventSource.OPEN

/**
 * One event stream for all tabs of a browser: over HTTP/1.1 a browser has six connections to a relay, and six streams
 * would leave none for the work. The tab that holds the lock has the stream and passes on what it hears of `types`;
 * when it goes, another takes over.
 */
export function openSharedStream(
  openSource: () => EventStream,
  types: readonly string[],
  { locks, openChannel }: { readonly locks: Locks; readonly openChannel: () => Channel },
): EventStream {
  const target = new EventTarget();
  const channel = openChannel();
  const ending = new AbortController();
  let source: EventStream | null = null;
  let isClosed = false;

  const dispatch = (type: string, data: unknown) =>
    target.dispatchEvent(data === undefined ? new Event(type) : new MessageEvent(type, { data }));
  function pass(type: string, data: unknown): void {
    dispatch(type, data);
    channel.postMessage({ kind: "event", type, data });
  }

  channel.addEventListener("message", ({ data: message }) => {
    if (isClosed) return;
    if (message.kind === "event") dispatch(message.type, message.data);
    else if (source?.readyState === OPEN) {
      channel.postMessage({ kind: "event", type: "open", data: undefined }); // who came later is up to date, too
    }
  });
  queueMicrotask(() => {
    if (!isClosed) channel.postMessage({ kind: "hello" }); // once there is somebody to hear the answer
  });

  locks
    .request(LOCK, { signal: ending.signal }, async () => {
      const own = openSource();
      source = own;
      own.addEventListener("open", () => pass("open", undefined));
      own.addEventListener("error", () => pass("error", undefined));
      for (const type of types) {
        own.addEventListener(type, (event) => pass(type, (event as MessageEvent<unknown>).data));
      }
      await new Promise<void>((resolve) => {
        ending.signal.addEventListener("abort", () => resolve(), { once: true });
        if (ending.signal.aborted) resolve();
      });
      own.close();
    })
    .catch(() => {}); // closed before its turn came

  return {
    addEventListener: target.addEventListener.bind(target) as EventStream["addEventListener"],
    get readyState() {
      return source?.readyState ?? OPEN; // as far as this tab knows
    },
    close() {
      isClosed = true;
      ending.abort();
      channel.close();
    },
  };
}
