import { problemWords } from "../words/problems.ts";

/** Something read from the relay that stays fresh while somebody watches it. */
export type Resource<T> = {
  /** The last good answer, be it of an earlier visit; null until the first one. */
  readonly value: T | null;
  /** The value was read in this visit, and the last read did not fail. */
  readonly isFresh: boolean;
  /** Why the last read failed, as a sentence; null when it did not. */
  readonly problem: string | null;
  /** Read again; calls while a read is under way end in one more read, not in many. */
  refresh(): Promise<void>;
  /** Change the value as an event tells, without a read; nothing happens before the first answer. */
  update(change: (value: T) => T): void;
  /** Keep it fresh until the returned function is called. */
  watch(): () => void;
  readonly watched: boolean;
};

/**
 * `load` gets the value so far, so that an answer can be merged into it; its errors become `problem`. `seen` is the value of
 * an earlier visit, and `onValue` hears each new one.
 */
export function createResource<T>(
  load: (known: T | null) => Promise<T>,
  { seen = null, onValue = () => {} }: { seen?: T | null; onValue?: (value: T) => void } = {},
): Resource<T> {
  let value = $state.raw<T | null>(seen);
  let isRead = $state(false);
  let problem = $state.raw<string | null>(null);
  let reading: Promise<void> | null = null;
  let again = false;
  let watchers = 0;

  async function read(): Promise<void> {
    do {
      again = false;
      try {
        value = await load(isRead ? value : null); // what an earlier visit saw may be of another history
        isRead = true;
        problem = null;
        onValue(value);
      } catch (error) {
        problem = problemWords(error);
      }
    } while (again);
    reading = null;
  }

  return {
    get value() {
      return value;
    },
    get isFresh() {
      return isRead && problem === null;
    },
    get problem() {
      return problem;
    },
    get watched() {
      return watchers > 0;
    },
    refresh() {
      if (reading !== null) again = true;
      else reading = Promise.resolve().then(read); // an effect that watches must not read `value`
      return reading;
    },
    update(change) {
      if (value === null) return;
      value = change(value);
      onValue(value);
    },
    watch() {
      watchers++;
      void this.refresh();
      return () => {
        watchers--;
      };
    },
  };
}
