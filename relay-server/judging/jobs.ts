import type { JudgingJob } from "../../core/protocol/schemas/judging.ts";
import type { Judgement } from "../../core/training/judgement.ts";

/** What a judge came to, and which. */
export type Answered = { readonly judge: string; readonly judgement: Judgement };

/** Files that a job names, by their SHA-256, for whoever holds it. */
export type JobInputs = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** A job that a judge holds a lease of. */
export type LeasedJob = {
  readonly judge: string;
  readonly job: JudgingJob;
  readonly inputs: JobInputs;
  /** It was given to this one alone, as a juror. */
  readonly isSeat: boolean;
};

/**
 * What judging needs, as jobs that judges on other machines do (protocol J). In memory: a relay that starts anew asks
 * anew. Time is the clock's, in milliseconds.
 */
export type Jobs = {
  /** Whether more judges asked lately and hold nothing than jobs wait: an evaluation is offered to nobody else. */
  isAnybodyFree(): boolean;
  /** The answer to a job; null where the relay is to do it itself, because nobody is there, is free for an evaluation, takes it or comes back. */
  offer(job: Omit<JudgingJob, "id">, inputs?: JobInputs): Promise<Answered | null>;
  /** The answer of one juror, to whom alone the job is given; null if it does not take it or does not come back. */
  offerSeat(
    job: Omit<JudgingJob, "id">,
    inputs: JobInputs,
    juror: string,
  ): Promise<Answered | null>;
  /** The judge asks anew, so it does no more what it held: another does, or the relay after the second. */
  release(judge: string): void;
  /** The job that has waited longest, leased to the judge; null if there is none. */
  take(judge: string): JudgingJob | null;
  /** The same of those that are given to this juror alone; one that it holds is given to it once more, since it lost it. */
  takeSeat(juror: string): JudgingJob | null;
  /** Resolved once there may be a job to take. */
  arrival(): Promise<void>;
  /** The judge goes on with what it holds; false if that is not its own any more. */
  renew(judge: string, id: string): boolean;
  /** A job and whose it is; null once its lease has lapsed. */
  leased(id: string): LeasedJob | null;
  /** A judge's answer; false if the job is not its own any more. */
  finish(judge: string, id: string, judgement: Judgement): boolean;
  /** A judge is none any more: what it holds is given to others. */
  dismiss(judge: string): void;
  /** A juror has its seats no more: what it was given is nobody's. */
  vacate(juror: string): void;
  /** Give jobs of lapsed leases to others, and back to the relay what nobody takes. Called every second, and by tests. */
  sweep(): void;
  /** Give all jobs back to the relay, and take no more. */
  close(): void;
};

const LEASE_MS = 60_000; // a judge renews it three times as often
const PRESENT_MS = 30_000; // judges ask at least every ten seconds
const UNTAKEN_MS = 15_000; // then all judges are busy, and the relay is not
const UNTAKEN_SEAT_MS = 60_000; // a juror ends its piece first
const MOST_LEASES = 2; // of one job: who knows what it does to judges
const SWEEP_MS = 1000;

type Entry = {
  readonly job: JudgingJob;
  readonly inputs: JobInputs;
  /** Who alone may take it; null: any judge. */
  readonly juror: string | null;
  readonly answer: (answered: Answered | null) => void;
  lease: { readonly judge: string; readonly endsAt: number } | null;
  leases: number;
  /** Since when it waits to be taken. */
  waitsSince: number;
};

export function createJobs(clock: () => number, newId: () => string): Jobs {
  const entries = new Map<string, Entry>();
  const seen = new Map<string, number>();
  let isClosed = false;
  let arrived = Promise.withResolvers<void>();
  const timer = setInterval(sweep, SWEEP_MS).unref();

  function end(entry: Entry, answered: Answered | null): void {
    entries.delete(entry.job.id);
    entry.answer(answered);
  }
  function tell(): void {
    arrived.resolve();
    arrived = Promise.withResolvers<void>();
  }
  function isAnybodyThere(): boolean {
    const now = clock();
    const isPresent = [...seen.values()].some((at) => now - at < PRESENT_MS);
    const isAtWork = (entry: Entry) => entry.juror === null && isHeld(entry);
    return isPresent || [...entries.values()].some(isAtWork);
  }
  /** A training is worth a wait for who is at work, but an evaluation takes seconds, and a gate asks for one after the other. */
  function isAnybodyFree(): boolean {
    const now = clock();
    const all = [...entries.values()];
    const busy = new Set(all.filter(isHeld).map(({ lease }) => lease?.judge));
    const free = [...seen].filter(([judge, at]) => now - at < PRESENT_MS && !busy.has(judge));
    return free.length > all.filter((entry) => entry.juror === null && !isHeld(entry)).length;
  }
  function add(
    job: Omit<JudgingJob, "id">,
    inputs: JobInputs,
    juror: string | null,
  ): Promise<Answered | null> {
    return new Promise((answer) => {
      const id = newId();
      const waiting = { lease: null, leases: 0, waitsSince: clock() };
      entries.set(id, { job: { ...job, id }, inputs, juror, answer, ...waiting });
      tell();
    });
  }
  /** The first that waits for this juror, or for any judge, leased to who asks. */
  function takeFor(juror: string | null, judge: string): JudgingJob | null {
    const own = [...entries.values()].filter((entry) => entry.juror === juror);
    const isLost = (entry: Entry) => entry.juror !== null && entry.leases < MOST_LEASES;
    const next = own.find((entry) => !isHeld(entry)) ?? own.find(isLost);
    if (next === undefined) return null;
    next.lease = { judge, endsAt: clock() + LEASE_MS };
    next.leases += 1;
    return next.job;
  }
  function isHeld({ lease }: Entry): boolean {
    return lease !== null && lease.endsAt > clock();
  }
  /** Nobody came back from this lease. */
  function free(entry: Entry): void {
    entry.lease = null;
    entry.waitsSince = clock();
    if (entry.juror !== null || entry.leases >= MOST_LEASES) end(entry, null);
  }
  function sweep(): void {
    const now = clock();
    for (const entry of [...entries.values()]) {
      if (entry.lease !== null && !isHeld(entry)) free(entry);
      const mostMs = entry.juror === null ? UNTAKEN_MS : UNTAKEN_SEAT_MS;
      const isUntaken = now - entry.waitsSince >= mostMs;
      const isAlone = entry.juror === null && !isAnybodyThere();
      if (entry.lease === null && (isUntaken || isAlone)) end(entry, null);
    }
    if ([...entries.values()].some(({ lease }) => lease === null)) tell();
  }
  const leased = (id: string): LeasedJob | null => {
    const entry = entries.get(id);
    if (entry === undefined || entry.lease === null || !isHeld(entry)) return null;
    const { job, inputs, juror } = entry;
    return { judge: entry.lease.judge, job, inputs, isSeat: juror !== null };
  };
  return {
    isAnybodyFree,
    offer(job, inputs = new Map()) {
      const isWanted = job.work.kind === "evaluate" ? isAnybodyFree() : isAnybodyThere();
      if (isClosed || !isWanted) return Promise.resolve(null);
      return add(job, inputs, null);
    },
    offerSeat: async (job, inputs, juror) => (isClosed ? null : add(job, inputs, juror)),
    release(judge) {
      const held = (entry: Entry) => entry.juror === null && entry.lease?.judge === judge;
      for (const entry of [...entries.values()].filter(held)) free(entry);
    },
    take(judge) {
      seen.set(judge, clock());
      return takeFor(null, judge);
    },
    takeSeat: (juror) => takeFor(juror, juror),
    arrival: () => arrived.promise,
    renew(judge, id) {
      const entry = entries.get(id);
      if (entry?.juror === null) seen.set(judge, clock());
      if (entry === undefined || leased(id)?.judge !== judge) return false;
      entry.lease = { judge, endsAt: clock() + LEASE_MS };
      return true;
    },
    leased,
    finish(judge, id, judgement) {
      const entry = entries.get(id);
      if (entry === undefined || leased(id)?.judge !== judge) return false;
      if (entry.juror === null) seen.set(judge, clock());
      end(entry, { judge, judgement });
      return true;
    },
    dismiss(judge) {
      seen.delete(judge);
      for (const entry of entries.values()) {
        if (entry.lease?.judge === judge)
          Object.assign(entry, { lease: null, waitsSince: clock() });
      }
      sweep();
    },
    vacate(juror) {
      for (const entry of [...entries.values()]) if (entry.juror === juror) end(entry, null);
    },
    sweep,
    close() {
      isClosed = true;
      clearInterval(timer);
      for (const entry of [...entries.values()]) end(entry, null);
      tell();
    },
  };
}
