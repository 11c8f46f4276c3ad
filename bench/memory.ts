import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Bytes in array buffers that are there after `run` and were not before: its result and its buffers, a bound
 * on what it holds at any moment as long as nothing of it is collected on the way.
 */
export function allocatedBytes(run: () => unknown): number {
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  const result = run();
  const after = process.memoryUsage().arrayBuffers;
  return result === undefined ? 0 : after - before; // the result lives until here
}

/** Free what nobody holds, and wait for it. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void; // what the flag exposes
  collect();
  collect(); // what the first one found is freed beside it; the second waits for that
}
