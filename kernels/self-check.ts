import { dispose, type Tensor, tidy } from "@tensorflow/tfjs-core";
import { createRandom, type Random } from "../core/random.ts";
import { activationTrials } from "./parts/activation.ts";
import { attentionTrials } from "./parts/attention-trials.ts";
import { embeddingTrials } from "./parts/embedding.ts";
import { linearTrials, ORIENTATIONS, squaredTrials } from "./parts/linear-trials.ts";
import { lossTrials } from "./parts/loss-trials.ts";
import { optimiserTrials, sampledTrials } from "./parts/masked-trials.ts";
import { normTrials } from "./parts/norm.ts";
import { floats, type OperationTrial, TRIAL_SIZES } from "./trial.ts";

const TOLERANCE = 1e-4; // of 1 + magnitude: f32 sums of 50 terms in another order, and the GPU's exp and log

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

/** Every operation's trials, one after another: each draws its inputs when the one before it is done. */
function* trials(random: Random): Generator<OperationTrial> {
  const { R, I, O } = TRIAL_SIZES;
  const x = floats(random, R * I).map((value) => Math.max(0, value)); // as a ReLU leaves it
  const dy = floats(random, R * O);
  const weight = floats(random, O * I);
  const bias = floats(random, O);
  for (const orientation of ORIENTATIONS) {
    yield* linearTrials({ x, dy, weight, bias }, orientation);
    yield* sampledTrials(random, { x, dy }, orientation);
  }
  yield* squaredTrials(random, x, dy);
  yield* lossTrials(random, dy);
  yield* optimiserTrials(random, weight);
  yield* embeddingTrials(random);
  yield* normTrials(random);
  yield* attentionTrials(random);
  yield* activationTrials(random);
}
