const MOST_STEPS = 10; // a read-back costs a GPU about the time of one small step
const MOST_IN_FLIGHT_MS = 100; // a pause is in force within 250 ms, what runs then included
const MOST_LOST_MS = 5_000; // of work, when the device goes away

/** How many steps are sent to the device before their losses are read, and when a snapshot is due. */
export type ReadingPace = {
  /** Begin to send steps: how many, at most `left`. */
  begin(left: number): number;
  /** Do `work` without counting its time as the steps'. */
  exclude(work: () => void | Promise<void>): Promise<void>;
  /** The steps were read. */
  end(): void;
  /** Whether another reading later too much work could be lost; the snapshot is then counted as taken. */
  isSnapshotDue(): boolean;
};

/** By the clock `now` in ms: one step at first, then as many as its time allows; ten each time without a clock. */
export function createReadingPace(now: (() => number) | undefined): ReadingPace {
  let steps = now === undefined ? MOST_STEPS : 1;
  let sent = 0;
  let beganAt = 0;
  let excludedMs = 0;
  let workedMs = 0; // on the last reading's steps
  let sinceSnapshotMs = 0;
  return {
    begin(left) {
      sent = Math.min(steps, left);
      beganAt = now?.() ?? 0;
      excludedMs = 0;
      return sent;
    },
    async exclude(work) {
      const from = now?.() ?? 0;
      await work();
      excludedMs += (now?.() ?? 0) - from;
    },
    end() {
      if (now === undefined) return;
      workedMs = Math.max(0, now() - beganAt - excludedMs);
      sinceSnapshotMs += workedMs;
      const fitting = Math.floor((sent * MOST_IN_FLIGHT_MS) / Math.max(workedMs, 1));
      steps = Math.min(MOST_STEPS, Math.max(1, fitting));
    },
    isSnapshotDue() {
      if (sinceSnapshotMs + workedMs < MOST_LOST_MS) return false;
      sinceSnapshotMs = 0;
      return true;
    },
  };
}
