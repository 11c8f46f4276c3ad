/** How one waits for its turn. */
export type TurnOptions = {
  /** Once it is aborted nobody waits for the work: it is not begun any more, and what has begun goes on unheard. */
  readonly signal?: AbortSignal | undefined;
  /** Told true if work that came before has to end first, and false when it has. */
  readonly onWait?: ((waiting: boolean) => void) | undefined;
};

/** Do `work` once all work that came before has ended, heard or not. */
export type TakeTurn = <T>(work: () => Promise<T>, options?: TurnOptions) => Promise<T>;

/** A line of works that are done one at a time, in the order in which they came. */
export function createTurns(): TakeTurn {
  let last: Promise<void> | null = null; // resolves when nothing is left to do
  return async (work, { signal, onWait } = {}) => {
    signal?.throwIfAborted();
    const before = last;
    let end = () => {};
    const turn = new Promise<void>((resolve) => {
      end = resolve;
    });
    last = turn;
    try {
      if (before !== null) {
        onWait?.(true);
        await before;
      }
      signal?.throwIfAborted();
      if (before !== null) onWait?.(false);
      return await work();
    } finally {
      if (last === turn) last = null;
      end();
    }
  };
}
