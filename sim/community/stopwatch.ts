/** What a relay's processor is busy with. */
export const CHORES = [
  "reference",
  "screen",
  "score",
  "spot check",
  "leave-one-out",
  "gate",
  "mask",
] as const;
export type Chore = (typeof CHORES)[number];

/** Adds up the processor's seconds that each chore of the relay takes: other processes do not lengthen them. */
export type Stopwatch = {
  readonly seconds: Readonly<Record<Chore, number>>;
  time<T>(chore: Chore, work: () => Promise<T>): Promise<T>;
};

export function createStopwatch(): Stopwatch {
  const seconds: Record<Chore, number> = {
    reference: 0,
    screen: 0,
    score: 0,
    "spot check": 0,
    "leave-one-out": 0,
    gate: 0,
    mask: 0,
  };
  return {
    seconds,
    async time(chore, work) {
      const before = process.cpuUsage();
      try {
        return await work();
      } finally {
        const { user, system } = process.cpuUsage(before);
        seconds[chore] += (user + system) / 1e6;
      }
    },
  };
}
