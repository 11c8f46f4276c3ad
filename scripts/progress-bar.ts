const WIDTH = 30; // characters

/** Show `done` of `total` on standard error: a bar on a terminal, a line at each end elsewhere. */
export function showProgress(what: string, done: number, total: number): void {
  const end = done >= total;
  if (!process.stderr.isTTY) {
    if (done === 0 || end) process.stderr.write(`${what}: ${done} of ${total}\n`);
    return;
  }
  const full = Math.round((WIDTH * done) / total);
  const bar = "█".repeat(full) + "░".repeat(WIDTH - full);
  process.stderr.write(`\r${what} ${bar} ${done} of ${total}${end ? "\n" : ""}`);
}
