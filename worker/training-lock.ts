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
