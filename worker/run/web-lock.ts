import type { TrainingLock } from "./training-lock.ts";

const NAME = "commonweight-training";

/** The Web Lock that all tabs of an origin share; it ends with its tab. */
export function webLock(locks: LockManager): TrainingLock {
  return {
    async hold(work, { signal, onWait }) {
      signal.throwIfAborted();
      const done = await locks.request(NAME, { ifAvailable: true }, async (lock) =>
        lock === null ? null : { result: await work() },
      );
      if (done !== null) return done.result;
      onWait();
      return locks.request(NAME, { signal }, work);
    },
  };
}
