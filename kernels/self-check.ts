import { dispose, type Tensor, tidy, zeros } from "@tensorflow/tfjs-core";
import {
  adamWInto,
  applyDeltaInto,
  crossEntropy,
  linear,
  linearInputGradient,
  linearWithResidual,
  lossInto,
  type Orientation,
  sampledLinearInto,
  scoreLogits,
  squaredGradientInto,
} from "../core/models/operations.ts";
import { createRandom, type Random } from "../core/random.ts";
import { plainBodies } from "./host-bodies.ts";
import { activationTrials } from "./parts/activation.ts";
import { attentionTrials } from "./parts/attention-trials.ts";
import { embeddingTrials } from "./parts/embedding.ts";
import { normTrials } from "./parts/norm.ts";
import { floats, integers, type OperationTrial, on } from "./trial.ts";

const TOLERANCE = 1e-4; // of 1 + magnitude: f32 sums of 50 terms in another order, and the GPU's exp and log
const ORIENTATIONS = ["out-in", "in-out"] as const;

/** Whether a device computes what it should; else the operation that it gets wrong, and how. */
export type SelfCheck =
  | { readonly ok: true }
  | { readonly ok: false; readonly op: string; readonly message: string };

/**
 * Run every operation of the open backend on small random inputs of odd sizes, twice: the results must be
 * finite, the same both times, and within 1e-4 of the plain bodies'.
 */
export async function checkDevice(seed = 1): Promise<SelfCheck> {
  for (const { op, onDevice, expected } of trials(createRandom(seed))) {
    const first = await read(onDevice);
    const second = await read(onDevice);
    for (const [index, wanted] of expected.entries()) {
      const message = compare(first[index]!, second[index]!, wanted);
      if (message !== null) return { ok: false, op, message };
    }
  }
  return { ok: true };
}

async function read(run: () => Tensor[]): Promise<Float32Array[]> {
  const outputs = tidy(run);
  try {
    const values: Float32Array[] = [];
    for (const output of outputs) values.push(Float32Array.from(await output.data()));
    return values;
  } finally {
    dispose(outputs);
  }
}

/** What is wrong with the device's values, in words; null if nothing is. */
function compare(first: Float32Array, second: Float32Array, wanted: Float32Array): string | null {
  for (const [at, want] of wanted.entries()) {
    const got = first[at]!;
    if (!Number.isFinite(got)) return `value ${at} is ${got}, not ${want}`;
    if (got !== second[at]) return `value ${at} is ${got}, then ${second[at]} on the same input`;
    if (Math.abs(got - want) > TOLERANCE * (1 + Math.abs(want))) {
      return `value ${at} is ${got}, not ${want}`;
    }
  }
  return null;
}

// R rows, I inputs, O outputs, K entries of the mask: no multiples of any tile or vector
const R = 37;
const I = 51;
const O = 35;
const K = 29;
const PART = { start: 3, count: K - 5 };
const PAIR = { start: 3, first: 7, second: K - 12 };

function* trials(random: Random): Generator<OperationTrial> {
  const x = floats(random, R * I).map((value) => Math.max(0, value)); // as a ReLU leaves it
  const dy = floats(random, R * O);
  const weight = floats(random, O * I);
  const bias = floats(random, O);
  for (const orientation of ORIENTATIONS) {
    const shape = orientation === "out-in" ? [O, I] : [I, O];
    const sizes = { R, I, O, orientation };
    yield* linearTrials({ x, dy, weight, bias }, shape, sizes);
    yield* residualTrials({ x, dy, weight, bias }, shape, sizes);
    yield* sampledTrials(random, { x, dy }, sizes);
  }
  yield* squaredTrials(random, x, dy);
  yield* lossTrials(
    dy,
    Int32Array.from({ length: R }, () => random.below(O)),
  );
  yield* optimiserTrials(random, weight);
  yield* embeddingTrials(random);
  yield* normTrials(random);
  yield* attentionTrials(random);
  yield* activationTrials(random);
}

function* residualTrials(
  { x, dy, weight, bias }: Record<"x" | "dy" | "weight" | "bias", Float32Array>,
  shape: number[],
  sizes: { R: number; I: number; O: number; orientation: Orientation },
): Generator<OperationTrial> {
  const { orientation } = sizes;
  for (const offset of [bias, null]) {
    const summed = new Float32Array(R * O);
    plainBodies.linear(summed, x, weight, offset, dy, { ...sizes, relu: false });
    yield {
      op: `Linear ${orientation} with residual${offset === null ? ", no bias" : ""}`,
      onDevice: () => {
        const added = offset === null ? null : on(offset, O);
        const given = [on(dy, R, O), on(x, R, I), on(weight, ...shape), added] as const;
        return [linearWithResidual(...given, { orientation })];
      },
      expected: [summed],
    };
  }
  const dx = new Float32Array(R * I);
  plainBodies.linearInputGradient(dx, dy, weight, null, x, sizes);
  yield {
    op: `LinearInputGradient ${orientation} with what came another way`,
    onDevice: () => {
      const options = { orientation, past: on(x, R, I) };
      return [linearInputGradient(on(dy, R, O), on(weight, ...shape), null, options)];
    },
    expected: [dx],
  };
}

function* sampledTrials(
  random: Random,
  { x, dy }: Record<"x" | "dy", Float32Array>,
  sizes: { R: number; I: number; O: number; orientation: Orientation },
): Generator<OperationTrial> {
  const { orientation } = sizes;
  const positions = pairPositions(random, O, O * I);
  for (const adds of [false, true]) {
    const before = floats(random, K).map((value, j) => (isInPair(j) ? value : 0));
    const expected = before.slice();
    const options = { ...PAIR, orientation, adds };
    plainBodies.sampledLinear(expected, x, dy, positions, { ...sizes, ...options });
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

function* linearTrials(
  { x, dy, weight, bias }: Record<"x" | "dy" | "weight" | "bias", Float32Array>,
  shape: number[],
  sizes: { R: number; I: number; O: number; orientation: Orientation },
): Generator<OperationTrial> {
  const { orientation } = sizes;
  for (const relu of [false, true]) {
    const y = new Float32Array(R * O);
    plainBodies.linear(y, x, weight, relu ? bias : null, null, { ...sizes, relu });
    const dx = new Float32Array(R * I);
    plainBodies.linearInputGradient(dx, dy, weight, relu ? x : null, null, sizes);
    yield {
      op: `Linear ${orientation}${relu ? " with bias and ReLU" : ""}`,
      onDevice: () => {
        const biasTensor = relu ? on(bias, O) : null;
        return [linear(on(x, R, I), on(weight, ...shape), biasTensor, { orientation, relu })];
      },
      expected: [y],
    };
    yield {
      op: `LinearInputGradient ${orientation}${relu ? " through ReLU" : ""}`,
      onDevice: () => {
        const gate = relu ? on(x, R, I) : null;
        return [linearInputGradient(on(dy, R, O), on(weight, ...shape), gate, { orientation })];
      },
      expected: [dx],
    };
  }
}

/** Each row an example of its own, and all rows one. */
function* squaredTrials(
  random: Random,
  x: Float32Array,
  dy: Float32Array,
): Generator<OperationTrial> {
  const before = floats(random, I * O);
  for (const orientation of ORIENTATIONS) {
    for (const rows of [1, R]) {
      const options = { orientation, rows, scale: 0.5 };
      const after = before.slice();
      plainBodies.squaredGradient(after, x, dy, { R, I, O, ...options });
      yield {
        op: `SquaredGradient ${orientation}, ${R / rows} examples`,
        onDevice: () => {
          const sums = on(before, ...(orientation === "out-in" ? [O, I] : [I, O]));
          squaredGradientInto(sums, on(x, R, I), on(dy, R, O), options);
          return [sums];
        },
        expected: [after],
      };
    }
  }
}

function* lossTrials(logits: Float32Array, targets: Int32Array): Generator<OperationTrial> {
  const losses = new Float32Array(R);
  const dlogits = new Float32Array(R * O);
  const weights = Float32Array.from(losses, (_, r) => (r % 3) / R); // every third counts nothing
  plainBodies.crossEntropy(losses, dlogits, logits, targets, weights);
  const scores = new Float32Array(2 * R);
  plainBodies.scoreLogits(scores.subarray(0, R), scores.subarray(R), logits, targets);
  const told = losses.reduce((sum, loss, r) => sum + weights[r]! * loss, 0);
  yield {
    op: "CrossEntropy",
    onDevice: () => {
      const both = crossEntropy(on(logits, R, O), integers(targets), on(weights, R));
      return [both.losses, both.dlogits];
    },
    expected: [losses, dlogits],
  };
  yield {
    op: "ScoreLogits",
    onDevice: () => [scoreLogits(on(logits, R, O), integers(targets))],
    expected: [scores],
  };
  yield {
    op: "LossInto",
    onDevice: () => {
      const log = zeros([3]);
      lossInto(log, on(losses, R), on(weights, R), { index: 1 });
      return [log];
    },
    expected: [Float32Array.of(0, told, 0)],
  };
}

function* optimiserTrials(random: Random, weight: Float32Array): Generator<OperationTrial> {
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
