const SAMPLE_MS = 60; // the clock of a thread's processor time ticks every 4 ms on some machines

/**
 * Median milliseconds of this thread's processor time for one run of each of `contestants`, in
 * alternation so that a busy moment of the machine falls on all of them. Waiting for a core that others
 * use does not count. Short ones run several times a sample; one sample before the first warms up.
 */
export function medianMs<Name extends string>(
  contestants: Record<Name, () => unknown>,
  rounds: number,
): Record<Name, number> {
  const entries = Object.entries(contestants) as [Name, () => unknown][]; // the keys are Name's
  const samples = entries.map(([name, run]) => {
    const started = performance.now();
    run();
    run();
    const runMs = (performance.now() - started) / 2;
    return { name, run, repeats: Math.ceil(SAMPLE_MS / runMs), times: [] as number[] };
  });
  for (let round = -1; round < rounds; round++) {
    for (const { run, repeats, times } of samples) {
      const before = process.threadCpuUsage();
      for (let repeat = 0; repeat < repeats; repeat++) run();
      const { user, system } = process.threadCpuUsage(before); // microseconds
      if (round >= 0) times.push((user + system) / 1000 / repeats);
    }
  }
  const medians = samples.map(({ name, times }) => [name, median(times)]);
  return Object.fromEntries(medians) as Record<Name, number>; // the same keys
}

function median(values: readonly number[]): number {
  const ordered = values.toSorted((a, b) => a - b);
  return ordered[ordered.length >> 1] ?? Number.NaN;
}
