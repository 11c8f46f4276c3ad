import { RelayError } from "../../core/protocol/relay-error.ts";
import type { Platform } from "../device/platform.ts";

export type Patience = {
  readonly platform: Platform;
  readonly signal: AbortSignal;
  /** Hears why and how long it waits. */
  readonly onWait: (error: RelayError, seconds: number) => void;
};

const LONGEST_WAIT_SECONDS = 60; // a relay that is back is noticed within a minute

/** Do `work` again, with growing pauses, for as long as the relay's answer is "try again". */
export async function withPatience<T>(
  work: () => Promise<T>,
  { platform, signal, onWait }: Patience,
): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RelayError) || error.action !== "retry") throw error;
      const seconds = error.retryAfterSeconds ?? waitSeconds(failures, platform.random());
      onWait(error, seconds);
      if (error.code === "unreachable") await sleepOffline(seconds * 1000, platform, signal);
      else await platform.sleep(seconds * 1000, signal);
    }
  }
}

/** Sleep, but no longer than until the device is on a network again. */
async function sleepOffline(
  ms: number,
  { sleep, onOnline }: Platform,
  signal: AbortSignal,
): Promise<void> {
  const online = new AbortController();
  const stopListening = onOnline?.(() => online.abort());
  try {
    await sleep(ms, AbortSignal.any([signal, online.signal]));
  } catch (error) {
    if (signal.aborted || !online.signal.aborted) throw error;
  } finally {
    stopListening?.();
  }
}

/** 1, 2, 4 … seconds, less up to half by chance, so that volunteers do not all come back at once. */
function waitSeconds(failures: number, chance: number): number {
  return Math.min(LONGEST_WAIT_SECONDS, 2 ** failures) * (1 - chance / 2);
}
