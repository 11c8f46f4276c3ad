/** What an answer is about, and when it is no answer any more. */
export type MemoKey = {
  readonly name: string;
  /** What the answer follows from, such as the head's number: with another one it is made anew. */
  readonly state: number | string;
  readonly maxAgeMs: number;
};

/** `make`'s answer, or the one that was made or is being made for somebody else. */
export type Memo<T> = (key: MemoKey, make: () => Promise<T>) => Promise<T>;

/** Answers that many people ask for at once. Kept are as many as there are names. */
export function createMemo<T>(clock: () => number): Memo<T> {
  const kept = new Map<string, { state: number | string; at: number; answer: Promise<T> }>();
  return ({ name, state, maxAgeMs }, make) => {
    const now = clock();
    const known = kept.get(name);
    if (known?.state === state && Math.abs(now - known.at) < maxAgeMs) return known.answer;
    const made = { state, at: now, answer: make() };
    kept.set(name, made);
    made.answer.catch(() => {
      if (kept.get(name) === made) kept.delete(name); // who asked hears of it; the next one tries again
    });
    return made.answer;
  };
}
