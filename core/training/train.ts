import { type Tensor, zeros } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import { modelOf } from "../models/registry.ts";
import type { Architecture, Training } from "../protocol/schemas/recipe.ts";
import { seededBatches } from "./batches.ts";
import type { Examples } from "./examples.ts";
import { createReadingPace } from "./reading-pace.ts";
import { closeTraining, openTraining, readState, takeStep } from "./training-session.ts";

const STEPS_A_LOSS = 10; // what is told: the loss of one batch alone says little

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

/** A training between two steps: with its task, all that it takes to go on. */
export type TrainingSnapshot = {
  /** Delta, first and second moment [3, k]. */
  readonly state: Float32Array;
  /** The loss in nats of every step that is done. */
  readonly losses: readonly number[];
};

export type TrainingOptions = {
  readonly signal?: AbortSignal;
  /**
   * Awaited after every step, `step` counted from 1: pausing and yielding are the caller's. `take` reads a snapshot; it is null
   * between steps whose losses are still on the device.
   */
  readonly onStep?: (
    report: StepReport,
    take: (() => Promise<TrainingSnapshot>) | null,
  ) => void | Promise<void>;
  /** Go on from there. The bytes are those of a training that nothing interrupted. */
  readonly from?: TrainingSnapshot | null;
  /**
   * The caller's clock in ms. With it, no more steps are in flight than a slow device does in a tenth of
   * a second; without, ten.
   */
  readonly now?: () => number;
  /** Awaited, by that clock, before more than five seconds of work could be lost. */
  readonly onSnapshot?: (snapshot: TrainingSnapshot) => void | Promise<void>;
  /** Told at the end: AdamW's second moment [k], in which an entry that no example exercised has 0. */
  readonly onSecondMoment?: (moment: Float32Array) => void;
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
  { signal, onStep, from = null, now, onSnapshot, onSecondMoment }: TrainingOptions = {},
): Promise<TrainingResult> {
  assert(positions.length > 0 && examples.count > 0, "nothing to train on");
  const model = modelOf(architecture);
  const { steps, batch, learningRate } = training;
  const batches = seededBatches(seed, examples.count, batch);
  const losses = [...(from?.losses ?? [])];
  for (let step = 1; step <= losses.length; step++) batches.next();
  const pace = createReadingPace(now);
  const session = openTraining(model, parameters, positions, from?.state ?? null);
  const take = async () => ({ state: await readState(session), losses: [...losses] });

  /** Take `count` steps and read their losses [count]; the last of them is not told yet. */
  async function takeSteps(count: number, log: Tensor): Promise<Iterable<number>> {
    for (let index = 0; index < count; index++) {
      signal?.throwIfAborted();
      const step = losses.length + 1 + index;
      const examplesOfStep = model.batch(examples, batches.next().value);
      takeStep(session, examplesOfStep, { step, learningRate, log, index });
      if (index < count - 1) await pace.exclude(() => onStep?.({ step, lossNats: null }, null));
    }
    return log.data();
  }

  try {
    while (losses.length < steps) {
      const told = losses.length - (losses.length % STEPS_A_LOSS);
      const log = zeros([pace.begin(Math.min(steps, told + STEPS_A_LOSS) - losses.length)]);
      try {
        losses.push(...(await takeSteps(log.size, log)));
        pace.end();
        if (onSnapshot !== undefined && losses.length < steps && pace.isSnapshotDue()) {
          await onSnapshot(await take());
        }
        const step = losses.length;
        const isTold = step === steps || step % STEPS_A_LOSS === 0;
        await onStep?.({ step, lossNats: isTold ? mean(losses.slice(told)) : null }, take);
      } finally {
        log.dispose();
      }
    }
    signal?.throwIfAborted();
    const state = await readState(session);
    const tenth = Math.ceil(losses.length / 10);
    onSecondMoment?.(state.slice(2 * positions.length));
    return {
      delta: state.slice(0, positions.length),
      lossBefore: mean(losses.slice(0, tenth)),
      lossAfter: mean(losses.slice(-tenth)),
      examples: steps * batch,
    };
  } finally {
    closeTraining(session);
  }
}

/** What a training of so many steps that has these `losses` has told of them. */
export function toldLosses(
  losses: readonly number[],
  steps: number,
): { readonly step: number; readonly lossNats: number }[] {
  const told = [];
  for (let from = 0; from < losses.length; from += STEPS_A_LOSS) {
    const step = Math.min(steps, from + STEPS_A_LOSS);
    if (step <= losses.length) told.push({ step, lossNats: mean(losses.slice(from, step)) });
  }
  return told;
}

function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
