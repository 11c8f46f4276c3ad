/** One tab of a browser trains and sends at a time. */
export type TrainingLock = {
  /** Do `work` while no other tab does; `onWait` is told if another is at it. */
  hold<T>(
    work: () => Promise<T>,
    options: { readonly signal: AbortSignal; readonly onWait: () => void },
  ): Promise<T>;
};

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

/** Where there are no tabs, or no locks between them. */
export const noLock: TrainingLock = { hold: (work) => work() };
