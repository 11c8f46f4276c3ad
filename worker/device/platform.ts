/** What the runtime gives: time and chance, passed in so that tests own them. */
export type Platform = {
  /** Milliseconds since 1970, for dates alone: people and networks set a clock forth and back. */
  now(): number;
  /** Milliseconds since some moment: it never goes back, so spans are measured by it. */
  steadyMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason as soon as that is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Uniform in 0…1. */
  random(): number;
  /**
   * Call `wake` each time that the device is on a network again, until what is returned is called. Absent
   * where the runtime can't tell, as in Node.
   */
  readonly onOnline?: (wake: () => void) => () => void;
};

/** The clock, timers and randomness of browsers and Node. */
export const systemPlatform: Platform = {
  now: () => Date.now(),
  steadyMs: () => performance.now(),
  random: () => Math.random(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", abort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", abort, { once: true });
    });
  },
};
