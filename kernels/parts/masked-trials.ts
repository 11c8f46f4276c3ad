import {
  adamWInto,
  applyDeltaInto,
  type Orientation,
  sampledLinearInto,
} from "../../core/models/operations.ts";
import type { Random } from "../../core/random.ts";
import { plainBodies } from "../host-bodies.ts";
import { floats, integers, type OperationTrial, on, TRIAL_SIZES } from "../trial.ts";
import type { LinearInputs } from "./linear-trials.ts";

const { R, I, O } = TRIAL_SIZES;
const K = 29; // entries of the mask: no multiple of a vector
const PART = { start: 3, count: K - 5 };
const PAIR = { start: 3, first: 7, second: K - 12 };

/** Gradients of the masked entries alone, written and added to. */
export function* sampledTrials(
  random: Random,
  { x, dy }: Pick<LinearInputs, "x" | "dy">,
  orientation: Orientation,
): Generator<OperationTrial> {
  const positions = pairPositions(random, O, O * I);
  for (const adds of [false, true]) {
    const before = floats(random, K).map((value, j) => (isInPair(j) ? value : 0));
    const expected = before.slice();
    const options = { ...PAIR, orientation, adds };
    plainBodies.sampledLinear(expected, x, dy, positions, { ...TRIAL_SIZES, ...options });
    yield {
      op: `SampledLinear ${orientation}${adds ? " that adds" : ""}`,
      onDevice: () => {
        const gradient = on(before, K);
        sampledLinearInto(gradient, on(x, R, I), on(dy, R, O), integers(positions), options);
        return [gradient];
      },
      expected: [expected],
    };
  }
}

function isInPair(entry: number): boolean {
  return entry >= PAIR.start && entry < PAIR.start + PAIR.first + PAIR.second;
}

/** A step of AdamW on masked entries, and its delta applied to a weight [O, I]. */
export function* optimiserTrials(random: Random, weight: Float32Array): Generator<OperationTrial> {
  const gradient = floats(random, K);
  const base = floats(random, K);
  const before = floats(random, 3 * K).map(Math.abs); // second moments are squares
  const options = {
    learningRate: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01,
    correction1: 0.271, // of the third step
    correction2: 0.002997,
  };
  const state = before.slice();
  plainBodies.adamW(state, gradient, base, options);
  yield {
    op: "MaskedAdamW",
    onDevice: () => {
      const written = on(before, 3, K);
      adamWInto(written, on(gradient, K), on(base, K), options);
      return [written];
    },
    expected: [state],
  };
  for (const offset of [0, 2 * I]) {
    const positions = distinct(random, weight.length).map((position) => position + offset);
    const changed = weight.slice();
    const options = { ...PART, offset };
    plainBodies.applyDelta(changed, state, base, positions, options);
    yield {
      op: `ApplyDelta${offset === 0 ? "" : " to a block of rows"}`,
      onDevice: () => {
        const written = on(weight, O, I);
        applyDeltaInto(written, on(state, 3, K), on(base, K), integers(positions), options);
        return [written];
      },
      expected: [changed],
    };
  }
}

/** K positions for PAIR: those of its first tensor below `first`, the others below `second`. */
function pairPositions(random: Random, first: number, second: number): Int32Array {
  const positions = distinct(random, second);
  positions.set(distinct(random, first).subarray(0, PAIR.first), PAIR.start);
  return positions;
}

/** K different positions below `size`, ascending. */
function distinct(random: Random, size: number): Int32Array {
  const stride = Math.floor(size / K);
  return Int32Array.from({ length: K }, (_, entry) => entry * stride + random.below(stride));
}
