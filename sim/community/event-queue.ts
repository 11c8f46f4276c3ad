/** Events on a simulated clock, in seconds. */
export type EventQueue<Event> = {
  /** When the earliest event is; null when there are none. */
  nextAt(): number | null;
  push(at: number, event: Event): void;
  /** The earliest event; of several at one time the one that was pushed first. Null when there are none. */
  pop(): { readonly at: number; readonly event: Event } | null;
};

export function createEventQueue<Event>(): EventQueue<Event> {
  const entries: { at: number; event: Event }[] = []; // latest first; a community has under a hundred
  return {
    push(at, event) {
      const place = entries.findIndex((entry) => entry.at <= at);
      entries.splice(place === -1 ? entries.length : place, 0, { at, event });
    },
    nextAt: () => entries.at(-1)?.at ?? null,
    pop: () => entries.pop() ?? null,
  };
}
