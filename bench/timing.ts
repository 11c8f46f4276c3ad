/**
 * Median milliseconds of each of `contestants`, run in alternation so that a busy moment of the machine
 * falls on all of them. One round before the first that counts warms up the compiler.
 */
export function medianMs<Name extends string>(
  contestants: Record<Name, () => unknown>,
  rounds: number,
): Record<Name, number> {
  const entries = Object.entries(contestants) as [Name, () => unknown][]; // the keys are Name's
  const times = new Map<Name, number[]>(entries.map(([name]) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, run] of entries) {
      const started = performance.now();
      run();
      if (round >= 0) times.get(name)?.push(performance.now() - started);
    }
  }
  const medians = entries.map(([name]) => [name, median(times.get(name) ?? [])]);
  return Object.fromEntries(medians) as Record<Name, number>; // the same keys
}

function median(values: readonly number[]): number {
  const ordered = values.toSorted((a, b) => a - b);
  return ordered[ordered.length >> 1] ?? Number.NaN;
}
