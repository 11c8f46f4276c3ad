import { type Remote, wrap } from "comlink";

/**
 * Do `work` with what `worker` offers; the worker ends with it. Rejects with `unfetched`, a plain sentence, where the
 * worker's code does not come.
 */
export async function withShortWorker<Offered, T>(
  worker: Worker,
  unfetched: string,
  work: (offered: Remote<Offered>) => Promise<T>,
): Promise<T> {
  const ended = new Promise<never>((_, reject) => {
    worker.addEventListener("error", () => reject(new Error(unfetched)));
  });
  try {
    return await Promise.race([work(wrap<Offered>(worker)), ended]);
  } finally {
    worker.terminate();
  }
}
