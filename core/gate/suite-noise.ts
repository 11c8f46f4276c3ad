import { createRandom } from "../random.ts";

export const TWINS = 4; // a unit that half of all equal models see otherwise is missed once in 16 times
const ROUNDING = 2 ** -8; // of a value: what bfloat16 rounds away, as every export in it does

/**
 * A model that is as good as the one with `parameters` [N], and not the same (protocol U4): each value is moved by no more than
 * rounding to bfloat16 would move it.
 */
export function twinOf(parameters: Float32Array, seed: string): Float32Array {
  const random = createRandom(seed);
  return parameters.map((value) => {
    const share = (2 * random.uint32()) / 2 ** 32 - 1; // in [−1, 1)
    return value * (1 + ROUNDING * share);
  });
}

/**
 * The units about which equal models disagree: those whose loss is further than the margin from the head's in one of the
 * `twins`, so that the verdict on them is chance. `head` [n] and each twin [n] are losses in nats.
 */
export function flakyUnits(
  head: Float32Array,
  twins: readonly Float32Array[],
  marginNats: number,
): number[] {
  const flaky: number[] = [];
  for (const [unit, loss] of head.entries()) {
    // NaN is no loss at all
    const isSteady = twins.every((twin) => Math.abs(twin[unit]! - loss) <= marginNats);
    if (!isSteady) flaky.push(unit);
  }
  return flaky;
}
