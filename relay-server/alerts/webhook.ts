/** Where the relay's owner wants alerts posted. */
export type Webhook = {
  /** Name of the host, without what may be secret in the address. */
  readonly host: string;
  /** Post `message` as JSON, three times at most; null once it is taken, else why it was not. Throws once `signal` is aborted. */
  post(message: unknown, signal: AbortSignal): Promise<string | null>;
};

export type WebhookParts = {
  readonly url: string;
  /** Resolves after so long; rejects once the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** How long one answer may take. */
  readonly timeoutMs?: number;
};

const TIMEOUT_MS = 10_000;
const WAITS_MS = [5000, 30_000]; // before the second try and the third: a restart of the receiver passes meanwhile

export function createWebhook({ url, wait, timeoutMs = TIMEOUT_MS }: WebhookParts): Webhook {
  async function tryOnce(body: string, signal: AbortSignal): Promise<string | null> {
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        redirect: "manual", // the owner named this address, and no other
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      await answer.body?.cancel(); // nobody reads it, however long it is
      return answer.ok ? null : `it answered ${answer.status}`;
    } catch (error) {
      signal.throwIfAborted();
      return wordsOf(error, timeoutMs);
    }
  }
  return {
    host: new URL(url).host,
    async post(message, signal) {
      const body = JSON.stringify(message);
      let problem = await tryOnce(body, signal);
      for (const ms of WAITS_MS) {
        if (problem === null) break;
        await wait(ms, signal);
        problem = await tryOnce(body, signal);
      }
      return problem;
    },
  };
}

/** The code of what failed alone: a message may quote the address. */
function wordsOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return "it cannot be reached";
  if (error.name === "TimeoutError") return `it did not answer within ${timeoutMs / 1000} s`;
  const { cause } = error;
  const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return `it cannot be reached${code}`;
}
