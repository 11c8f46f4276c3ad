import type { Platform } from "../device/platform.ts";

/** One tab of a browser trains and sends at a time. */
export type TrainingLock = {
  /** Do `work` while no other tab does; `onWait` is told if another is at it. */
  hold<T>(
    work: () => Promise<T>,
    options: { readonly signal: AbortSignal; readonly onWait: () => void },
  ): Promise<T>;
};

/** Where there are no tabs, or no locks between them. */
export const noLock: TrainingLock = { hold: (work) => work() };

/** Do `work` while no other tab does, so that none writes after it; at the latest in `withinMs`, whoever is at it. */
export async function holdSoon<T>(
  lock: TrainingLock,
  work: () => Promise<T>,
  withinMs: number,
  { sleep }: Pick<Platform, "sleep">,
): Promise<T> {
  const late = new AbortController();
  const done = new AbortController();
  const { signal } = late;
  void sleep(withinMs, done.signal).then(
    () => late.abort(),
    () => {}, // done in time
  );
  try {
    return await lock.hold(work, { signal, onWait: () => {} });
  } catch (error) {
    if (!signal.aborted) throw error;
    return await work();
  } finally {
    done.abort();
  }
}
