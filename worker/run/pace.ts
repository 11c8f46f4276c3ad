import type { Platform } from "../device/platform.ts";
import { orAborted } from "./abort.ts";

/** How fast the device may work, and whether at all. */
export type Pace = {
  pause(): void;
  resume(): void;
  /** Share of the time that the device may work, 0.1…1. */
  setPower(power: number): void;
  /** When the pause that is in force began, by the platform's steady clock; null if there is none. */
  pausedAt(): number | null;
  /** Called before each kind of work: waits while paused. */
  pass(signal: AbortSignal): Promise<void>;
  /**
   * Called between steps: lets commands in, rests in proportion to the time worked, waits while paused. `onPause` is awaited
   * before it waits; where that is null, the device goes on to the next rest, which is near.
   * Both reject with the signal's reason as soon as that is aborted.
   */
  rest(signal: AbortSignal, onPause: (() => Promise<void>) | null): Promise<void>;
};

const LEAST_POWER = 0.1; // below, a piece outlives its ticket
const SLICE_MS = 50; // commands are heard this often, for a pause must be in force within 250 ms
const LONGEST_SLICE_MS = 10_000; // a longer one was the machine asleep: no reason to rest from it

export function createPace({ steadyMs, sleep }: Pick<Platform, "steadyMs" | "sleep">): Pace {
  let power = 1;
  let pause: (PromiseWithResolvers<void> & { readonly at: number }) | null = null;
  let workingSince = steadyMs();

  async function pass(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (pause !== null) await orAborted(pause.promise, signal);
    workingSince = steadyMs();
  }

  return {
    pause() {
      pause ??= { ...Promise.withResolvers<void>(), at: steadyMs() };
    },
    resume() {
      pause?.resolve();
      pause = null;
    },
    setPower(share) {
      power = Math.min(1, Math.max(LEAST_POWER, share));
    },
    pausedAt: () => pause?.at ?? null,
    pass,
    async rest(signal, onPause) {
      signal.throwIfAborted();
      const workedMs = steadyMs() - workingSince;
      if (workedMs < SLICE_MS && pause === null) return;
      if (pause === null) {
        await sleep(Math.min(workedMs, LONGEST_SLICE_MS) * (1 / power - 1), signal);
      }
      if (pause !== null) {
        if (onPause === null) return;
        await onPause();
      }
      await pass(signal);
    },
  };
}
