/** Calls each of many once in a period, by one timer for all. */
export type Heartbeats = {
  /** Call `beat` once in every period from now on; returns how to stop. */
  add(beat: () => void): () => void;
};

const SLOTS = 60; // a period's parts: ten thousand readers are written to some hundred at a time

/** Whoever is added takes turns with those of the same part of the period; the timer runs while there is anybody. */
export function createHeartbeats(periodMs: number): Heartbeats {
  const slots = Array.from({ length: SLOTS }, () => new Set<() => void>());
  let turn = 0;
  let size = 0;
  let timer: NodeJS.Timeout | undefined;

  function tick(): void {
    turn = (turn + 1) % SLOTS;
    for (const beat of slots[turn] ?? []) beat();
  }
  return {
    add(beat) {
      const slot = slots[turn]; // the one whose turn was last
      slot?.add(beat);
      size += 1;
      timer ??= setInterval(tick, periodMs / SLOTS);
      return () => {
        if (slot?.delete(beat) !== true) return;
        size -= 1;
        if (size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
}
