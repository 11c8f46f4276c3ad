import { dispose, type Tensor, tensor, tidy, zeros } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import type { MaskedGradient, Model, Weights } from "../models/model.ts";
import { adamWInto, applyDeltaInto, meanInto } from "../models/operations.ts";
import { modelOf } from "../models/registry.ts";
import type { Architecture, Training } from "../protocol/schemas/recipe.ts";
import { createLayout } from "../tensors/layout.ts";
import { seededBatches } from "./batches.ts";
import type { Examples } from "./examples.ts";
import { cutMask } from "./mask-parts.ts";
import { uploadWeights } from "./weights.ts";

const BETA1 = 0.9; // Kingma & Ba 2015, §2
const BETA2 = 0.999; // the same
const EPSILON = 1e-8; // the same
const WEIGHT_DECAY = 0.01; // PyTorch's default for AdamW; acts on the masked weights alone
const STEPS_A_READING = 10; // a read-back costs a GPU about the time of one small step

export type TrainingTask = {
  readonly architecture: Architecture;
  /** The base's flat parameters [N]. */
  readonly parameters: Float32Array;
  /** The mask: flat positions [k], strictly ascending. */
  readonly positions: Uint32Array;
  readonly examples: Examples;
  readonly training: Training;
  /** Seeds the order of the examples. */
  readonly seed: number;
};

/** `lossNats` is the mean training loss over the steps since the last one that was told; null in between. */
export type StepReport = { readonly step: number; readonly lossNats: number | null };

export type TrainingOptions = {
  readonly signal?: AbortSignal;
  /** Awaited after every step, `step` counted from 1: pausing and yielding are the caller's. */
  readonly onStep?: (report: StepReport) => void | Promise<void>;
};

export type TrainingResult = {
  /** Trained − base on the mask [k]. */
  readonly delta: Float32Array;
  /** Mean training loss in nats over the first and the last tenth of the steps. */
  readonly lossBefore: number;
  readonly lossAfter: number;
  /** How many examples were looked at, repeats included. */
  readonly examples: number;
};

/**
 * Train inside the mask: AdamW whose variable is the delta and whose state is as long as the mask, on
 * weights that are base + delta. Runs on the backend that is open; the same task on the same device
 * gives the same bytes. Rejects with the signal's reason once that is aborted.
 */
export async function trainDelta(
  { architecture, parameters, positions, examples, training, seed }: TrainingTask,
  { signal, onStep }: TrainingOptions = {},
): Promise<TrainingResult> {
  assert(positions.length > 0 && examples.count > 0, "nothing to train on");
  const model = modelOf(architecture);
  const session = openSession(model, parameters, positions);
  const batches = seededBatches(seed, examples.count, training.batch);
  const losses: number[] = [];
  try {
    for (let first = 1; first <= training.steps; first += STEPS_A_READING) {
      const last = Math.min(first + STEPS_A_READING - 1, training.steps);
      const log = zeros([last - first + 1]);
      try {
        for (let step = first; step <= last; step++) {
          signal?.throwIfAborted();
          const indices = batches.next().value;
          takeStep(model, session, model.batch(examples, indices), {
            step,
            learningRate: training.learningRate,
            log,
            index: step - first,
          });
          if (step < last) await onStep?.({ step, lossNats: null });
        }
        const read = await log.data();
        losses.push(...read);
        await onStep?.({ step: last, lossNats: mean(read) });
      } finally {
        log.dispose();
      }
    }
    signal?.throwIfAborted();
    const state = await session.state.data();
    const tenth = Math.ceil(losses.length / 10);
    return {
      delta: Float32Array.from(state.subarray(0, positions.length)),
      lossBefore: mean(losses.slice(0, tenth)),
      lossAfter: mean(losses.slice(-tenth)),
      examples: training.steps * training.batch,
    };
  } finally {
    closeSession(session);
  }
}

/** What lives on the device from the first step to the last. */
type Session = {
  readonly weights: Weights;
  /** The base's values at the mask [k]. */
  readonly base: Tensor;
  /** Delta, first and second moment [3, k]. */
  readonly state: Tensor;
  readonly gradient: MaskedGradient;
};

function openSession(model: Model, parameters: Float32Array, flat: Uint32Array): Session {
  const { positions, parts } = cutMask(createLayout(model.shapes), flat);
  const k = flat.length;
  return {
    weights: uploadWeights(model, parameters),
    base: tensor(
      Float32Array.from(flat, (position) => parameters[position]!),
      [k],
    ),
    state: zeros([3, k]),
    gradient: { values: zeros([k]), positions: tensor(positions, [k], "int32"), parts },
  };
}

function closeSession({ weights, base, state, gradient }: Session): void {
  dispose([...weights.values(), base, state, gradient.values, gradient.positions]);
}

function takeStep(
  model: Model,
  { weights, base, state, gradient }: Session,
  batch: { readonly inputs: Tensor; readonly targets: Tensor },
  {
    step,
    learningRate,
    log,
    index,
  }: { step: number; learningRate: number; log: Tensor; index: number },
): void {
  tidy(() => {
    const losses = model.gradientInto(gradient, weights, batch);
    meanInto(log, losses, { index });
    adamWInto(state, gradient.values, base, {
      learningRate,
      beta1: BETA1,
      beta2: BETA2,
      epsilon: EPSILON,
      weightDecay: WEIGHT_DECAY,
      correction1: 1 - BETA1 ** step,
      correction2: 1 - BETA2 ** step,
    });
    for (const [name, part] of gradient.parts) {
      applyDeltaInto(weights.get(name)!, state, base, gradient.positions, part);
    }
  });
  dispose([batch.inputs, batch.targets]);
}

function mean(values: ArrayLike<number> & Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
