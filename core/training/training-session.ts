import { dispose, type Tensor, tensor, tidy, zeros } from "@tensorflow/tfjs-core";
import { type MaskedGradient, maskedSink } from "../models/masked-sink.ts";
import { type Batch, disposeBatch, type Model, tableOf, type Weights } from "../models/model.ts";
import { adamWInto, applyDeltaInto, lossInto, type MaskPart } from "../models/operations.ts";
import { createLayout } from "../tensors/layout.ts";
import { valuesAt } from "../tensors/values-at.ts";
import { cutMask } from "./mask-parts.ts";
import { uploadWeights } from "./weights.ts";

const BETA1 = 0.9; // Kingma & Ba 2015, §2
const BETA2 = 0.999; // the same
const EPSILON = 1e-8; // the same
const WEIGHT_DECAY = 0.01; // PyTorch's default for AdamW; acts on the masked weights alone

/** What lives on the device from the first step of a training to the last. */
export type TrainingSession = {
  readonly model: Model;
  readonly weights: Weights;
  /** The base's values at the mask [k]. */
  readonly base: Tensor;
  /** Delta, first and second moment [3, k]. */
  state: Tensor;
  readonly gradient: MaskedGradient;
  /** Where the delta is written: every tensor, or block of one, that has entries of the mask. */
  readonly written: readonly Written[];
};

type Written = {
  readonly weight: Tensor;
  readonly part: MaskPart;
  /** Where the block begins in its tensor. */
  readonly offset: number;
};

/** Put base and mask on the device, as they are before the first step or, with `state` [3, k], after the steps that made it. */
export function openTraining(
  model: Model,
  parameters: Float32Array,
  flat: Uint32Array,
  state: Float32Array | null,
): TrainingSession {
  const { positions, parts } = cutMask(createLayout(model.shapes), flat);
  const k = flat.length;
  const weights = uploadWeights(model, parameters);
  const session = {
    model,
    weights,
    written: writtenOf(weights, parts, positions),
    base: tensor(valuesAt(parameters, flat), [k]),
    state: state === null ? zeros([3, k]) : tensor(state.slice(), [3, k]),
    gradient: { values: zeros([k]), positions: tensor(positions, [k], "int32"), parts },
  };
  if (state !== null) applyDelta(session);
  return session;
}

export function closeTraining({ weights, base, state, gradient }: TrainingSession): void {
  dispose([...weights.values(), base, state, gradient.values, gradient.positions]);
}

/** Take step number `step`, counted from 1, on `batch`, which dies here: its mean loss goes to `log` at `index`. */
export function takeStep(
  session: TrainingSession,
  batch: Batch,
  {
    step,
    learningRate,
    log,
    index,
  }: { step: number; learningRate: number; log: Tensor; index: number },
): void {
  const { model, weights, base, state, gradient } = session;
  tidy(() => {
    const losses = model.gradientInto(maskedSink(gradient), weights, batch);
    lossInto(log, losses, batch.weights, { index });
    adamWInto(state, gradient.values, base, {
      learningRate,
      beta1: BETA1,
      beta2: BETA2,
      epsilon: EPSILON,
      weightDecay: WEIGHT_DECAY,
      correction1: 1 - BETA1 ** step,
      correction2: 1 - BETA2 ** step,
    });
    applyDelta(session);
  });
  disposeBatch(batch);
}

/** Read delta and moments [3, k], and go on with them: a tensor that was read would never be read anew. */
export async function readState(session: TrainingSession): Promise<Float32Array> {
  const { state } = session;
  const values = Float32Array.from(await state.data());
  session.state = tensor(values.slice(), [3, values.length / 3]);
  state.dispose();
  return values;
}

function applyDelta({ written, base, state, gradient }: TrainingSession): void {
  for (const { weight, part, offset } of written) {
    applyDeltaInto(weight, state, base, gradient.positions, { ...part, offset });
  }
}

/** The mask's `parts` cut along the blocks of `weights`; `positions` [k] ascend inside each tensor. */
function writtenOf(
  weights: Weights,
  parts: MaskedGradient["parts"],
  positions: Int32Array,
): Written[] {
  const written: Written[] = [];
  for (const [name, part] of parts) {
    const end = part.start + part.count;
    let start = part.start;
    let offset = 0;
    for (const weight of tableOf(weights, name)) {
      let next = start;
      while (next < end && positions[next]! < offset + weight.size) next++;
      if (next > start) written.push({ weight, part: { start, count: next - start }, offset });
      start = next;
      offset += weight.size;
    }
  }
  return written;
}
