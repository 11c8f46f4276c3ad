import type { Phase, Snapshot } from "../api.ts";
import type { Platform } from "../device/platform.ts";
import { describePause, type Standstill, type UnderPause } from "./words.ts";

/** What the page is told, kept in one place: exactly one phase and at most one reason at a time. */
export type SnapshotFeed = {
  current(): Snapshot;
  /** What `enter` said last, also while paused. */
  activity(): Pick<Snapshot, "phase" | "reason">;
  /** What the volunteer does now; shown unless it is paused. */
  enter(phase: Phase, reason?: string | null): void;
  /** Show "paused" over whatever is done, or take it away again. */
  setPaused(paused: boolean): void;
  /** Say that a paused device came to rest. */
  setDrained(rest: Standstill): void;
  set(change: Partial<Omit<Snapshot, "phase" | "reason">>): void;
  /** Forget all that was told, but for what is done now, for which model, at what power and with whom. */
  clear(): void;
};

const EVERY_MS = 100; // ten a second: more than a person reads, little for the page to draw

/** Of a piece that there isn't yet. */
export const NO_PIECE = {
  base: null,
  shards: [],
  touches: null,
  step: 0,
  steps: 0,
  examplesPerSecond: 0,
  losses: [],
  download: { doneBytes: 0, totalBytes: 0 },
} as const satisfies Partial<Snapshot>;

/** A volunteer that has done nothing yet. */
export const READY: Snapshot = {
  phase: "ready",
  reason: null,
  contributor: null,
  engine: null,
  device: null,
  model: null,
  ...NO_PIECE,
  pieces: [],
  underway: false,
  kept: null,
  finishing: false,
  power: 1,
  swarm: null,
};

/** A feed that tells `listener` every change, coalesced; the last one always arrives. */
export function createSnapshotFeed(
  { steadyMs, sleep }: Pick<Platform, "steadyMs" | "sleep">,
  listener: (snapshot: Snapshot) => void,
): SnapshotFeed {
  let snapshot = READY;
  let activity: Pick<Snapshot, "phase" | "reason"> = { phase: "ready", reason: null };
  let paused = false;
  let rest: Standstill | null = null;
  let toldAt = Number.NEGATIVE_INFINITY;
  let telling = false;

  async function tell(): Promise<void> {
    if (telling) return;
    telling = true;
    await sleep(Math.max(0, toldAt + EVERY_MS - steadyMs()));
    telling = false;
    toldAt = steadyMs();
    listener(snapshot);
  }

  function held(): UnderPause {
    if (activity.phase === "judging") return "judging";
    return snapshot.underway ? "piece" : null;
  }

  function change(values: Partial<Snapshot>): void {
    snapshot = { ...snapshot, ...values };
    if (paused) snapshot = { ...snapshot, phase: "paused", reason: describePause(held(), rest) };
    void tell();
  }

  const show = () => change(activity);
  return {
    current: () => snapshot,
    activity: () => activity,
    enter(phase, reason = null) {
      activity = { phase, reason };
      show();
    },
    setPaused(value) {
      paused = value;
      rest = null;
      show();
    },
    setDrained(value) {
      rest = value;
      show();
    },
    set: change,
    clear() {
      const { model, power, swarm } = snapshot;
      change({ ...READY, ...activity, model, power, swarm });
    },
  };
}

/** Whether training or judging needs the processor: neither does while it is paused, nor on a graphics device. */
export function isProcessorBusy({ phase, engine }: Snapshot): boolean {
  return (phase === "training" || phase === "judging") && engine !== "webgpu";
}
