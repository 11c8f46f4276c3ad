import type { Platform } from "../device/platform.ts";
import { type ExchangedBytes, NOTHING_EXCHANGED } from "../store/store.ts";

/** Bytes a second: half of a line of 35 Mbit/s up. */
export const RATE = 2 << 20;
const AHEAD_BYTES = 4 << 20; // after a quiet while: the largest chunk there is
const MAX_WAIT_MS = 1000; // a taker turns to HTTP after two seconds

/** What this device gives others: so many bytes a second, and never more than came to it. */
export type Uploads = {
  /** So many bytes came, from peers or the relay. */
  receive(bytes: number): void;
  /**
   * Set `bytes` aside for a peer: how many ms to wait before they are sent, or null where they are not to be. Nothing is while
   * the processor trains, which the browser would encrypt with. Bytes that were not sent after all are given back.
   */
  reserve(bytes: number): number | null;
  giveBack(bytes: number): void;
  /** What came and went in other visits, in place of what was said before. */
  carry(others: ExchangedBytes): void;
};

/** `isTraining`: whether the processor trains now. */
export function createUploads({
  steadyMs,
  isTraining,
}: Pick<Platform, "steadyMs"> & { readonly isTraining: () => boolean }): Uploads {
  let given = 0;
  let received = 0;
  let carried = NOTHING_EXCHANGED;
  let room = AHEAD_BYTES; // below 0: what is set aside and waits
  let filledAt = steadyMs();

  return {
    receive(bytes) {
      received += bytes;
    },
    reserve(bytes) {
      if (isTraining()) return null;
      const rate = RATE / 1000;
      const now = steadyMs();
      room = Math.min(AHEAD_BYTES, room + (now - filledAt) * rate);
      filledAt = now;
      const waitMs = Math.max(0, (bytes - room) / rate);
      const left = received + carried.receivedBytes - given - carried.givenBytes;
      if (bytes > left || waitMs > MAX_WAIT_MS) return null;
      given += bytes;
      room -= bytes;
      return waitMs;
    },
    giveBack(bytes) {
      given -= bytes; // the rate keeps them: they were read and checked, whoever did not want them after all
    },
    carry(others) {
      carried = others;
    },
  };
}
