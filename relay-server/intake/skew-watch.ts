/** Looks whether it is the relay's own clock that is wrong: nearly all requests are off it in the same direction then. */
export type SkewWatch = {
  /** A signed request of `contributor` said a time that is so far ahead of the relay's clock, or behind it where below 0. */
  note(contributor: string, skewMs: number): void;
  /** In plain words for Health; null where there is nothing to say. */
  problem(): string | null;
};

const LAST_CONTRIBUTORS = 64;
const FEWEST = 3; // one or two people may both have a wrong clock
const NEARLY_ALL = 0.8;

/** `allowedMs` is what a request may be off. */
export function createSkewWatch(allowedMs: number): SkewWatch {
  const skews = new Map<string, number>();
  return {
    note(contributor, skewMs) {
      skews.delete(contributor); // its place is at the end
      skews.set(contributor, skewMs);
      if (skews.size > LAST_CONTRIBUTORS) skews.delete(skews.keys().next().value!);
    },
    problem() {
      const all = [...skews.values()].sort((a, b) => a - b);
      const most = Math.ceil(NEARLY_ALL * all.length);
      const ahead = all.filter((skew) => skew > allowedMs).length;
      const behind = all.filter((skew) => skew < -allowedMs).length;
      if (all.length < FEWEST || Math.max(ahead, behind) < most) return null;
      const minutes = Math.round(Math.abs(all[all.length >> 1]!) / 60_000);
      const where = ahead > behind ? "behind" : "ahead of";
      return `the relay's clock seems to be wrong: it is ${minutes} minutes ${where} nearly everybody's, and their requests are refused`;
    },
  };
}
