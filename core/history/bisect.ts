import type { VersionRecord } from "../protocol/schemas/version.ts";
import type { Layout } from "../tensors/layout.ts";
import { type ReplayPatch, replayVersion } from "./replay.ts";

/**
 * The first version after `good` at which a test fails, by halving; `bad` is one at which it does. Asks some log2(bad −
 * good) times. Where the test changes its mind several times in between, the result is one of its changes from good to bad.
 */
export async function firstBadVersion(
  good: number,
  bad: number,
  isGood: (number: number) => Promise<boolean>,
): Promise<number> {
  let low = good;
  let high = bad;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await isGood(middle)) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * The parameters [N] that the merge of `record` would have led to without one of its contributions, which keeps its place
 * with multiplier 0 (protocol V7). `parameters` [N] are the parent's and stay as they are.
 */
export function withoutContribution(
  layout: Layout,
  parameters: Float32Array,
  record: VersionRecord,
  patches: ReadonlyMap<string, ReplayPatch>,
  contribution: string,
): Float32Array {
  const step = replayVersion(layout, parameters, record, patches, new Set([contribution]));
  const without = new Float32Array(parameters);
  for (let i = 0; i < step.positions.length; i++) without[step.positions[i]!] = step.values[i]!;
  return without;
}
