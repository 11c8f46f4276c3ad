/** Writes to the log at most once in `everyMs`, so that whoever is turned away cannot fill the disk with it. */
export function createReporter(clock: () => number, everyMs: number): (message: string) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  return (message) => {
    const now = clock();
    if (Math.abs(now - toldAt) < everyMs) return;
    toldAt = now;
    console.warn(message);
  };
}
