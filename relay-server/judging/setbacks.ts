import { isOutage } from "../storage-error.ts";
import type { SetAside } from "../store/sql/judging.ts";

/**
 * What judging failed at, by the contributions that it failed on. In memory: a relay that starts anew tries anew. The caller
 * passes the time in, in milliseconds since 1970.
 */
export type Setbacks = {
  /** Contributions that rest after a failure until a later moment: nobody waits behind them. */
  resting(now: number): string[];
  /** When the first of them is tried again; infinite where none rests. */
  dueAt(now: number): number;
  /** Whether a cohort failed twice with it, so that it is merged by itself. */
  isSuspect(id: string): boolean;
  /**
   * A try failed on these together. Returns what is set aside for it: one contribution by itself, at its third failure, where
   * other work was judged since its first. Errors of the machine (a full disk, no descriptors) are nobody's fault.
   */
  fail(ids: readonly string[], error: unknown, now: number): SetAside | null;
  /** These were judged. */
  succeed(ids: readonly string[]): void;
  /** What goes wrong, in plain words for Health; null where nothing rests. */
  problem(): string | null;
};

type Setback = {
  readonly tries: number;
  readonly restsUntil: number;
  /** How many contributions had been judged when it failed first. */
  readonly judgedBefore: number;
  readonly error: string;
};

const MOST_TRIES = 3;
const IN_COMPANY = 2; // tries with others, then by itself
const FIRST_REST_MS = 5000;
const LONGEST_REST_MS = 300_000;

export function createSetbacks(): Setbacks {
  const setbacks = new Map<string, Setback>();
  let judged = 0;

  function failOne(id: string, error: unknown, now: number): Setback {
    const { tries, judgedBefore } = setbacks.get(id) ?? { tries: 0, judgedBefore: judged };
    const restMs = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 3 ** tries);
    const message = error instanceof Error ? error.message : String(error);
    const counts = isOfTheMachine(error) ? 0 : 1;
    const setback = {
      tries: tries + counts,
      restsUntil: now + restMs,
      judgedBefore,
      error: message,
    };
    setbacks.set(id, setback);
    return setback;
  }
  return {
    resting: (now) => [...setbacks].filter(([, s]) => isResting(s, now)).map(([id]) => id),
    dueAt(now) {
      const rests = [...setbacks.values()].filter((setback) => isResting(setback, now));
      return Math.min(Number.POSITIVE_INFINITY, ...rests.map(({ restsUntil }) => restsUntil));
    },
    isSuspect: (id) => (setbacks.get(id)?.tries ?? 0) >= IN_COMPANY,
    fail(ids, error, now) {
      const failed = ids.map((id) => ({ id, ...failOne(id, error, now) }));
      const [alone] = failed;
      if (failed.length !== 1 || alone === undefined) return null;
      if (alone.tries < MOST_TRIES || judged === alone.judgedBefore) return null;
      setbacks.delete(alone.id);
      return { contribution: alone.id, error: alone.error };
    },
    succeed(ids) {
      judged += ids.length;
      for (const id of ids) setbacks.delete(id);
    },
    problem() {
      const [last] = [...setbacks.values()].reverse();
      if (last === undefined) return null;
      const many = setbacks.size === 1 ? "1 contribution" : `${setbacks.size} contributions`;
      return `the relay fails at judging ${many}, and tries again (${last.error})`;
    },
  };
}

/** A clock that was set back makes nothing rest for longer than the longest rest. */
function isResting({ restsUntil }: Setback, now: number): boolean {
  return restsUntil > now && restsUntil - now <= LONGEST_REST_MS;
}

/** Errors of the operating system and of the database carry a code; what a contribution causes does not. */
function isOfTheMachine(error: unknown): boolean {
  if (isOutage(error)) return true;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^(E[A-Z0-9]+|SQLITE_\w+)$/.test(code);
}
