import { engine, type Tensor } from "@tensorflow/tfjs-core";

/**
 * The operations that models are built from, called by name; `kernels/` has a body of each for every
 * backend. All values are f32 but positions and targets, which are int32. The operations that end in
 * "Into" write into a tensor they are given and return nothing, so that a step allocates no gradient or
 * state anew. Gradients are written by hand in each model: nothing here is recorded on tfjs's tape.
 */

// R rows (batch, or batch × time), I inputs, O outputs, C classes, k entries of the mask

/** Which way a weight matrix is stored: PyTorch's Linear [O, I] or GPT-2's Conv1D [I, O]. */
export type Orientation = "out-in" | "in-out";

/** The entries of the mask that lie in one tensor: `count` from `start` among all k. */
export type MaskPart = { readonly start: number; readonly count: number };

/**
 * The entries of the mask that lie in two tensors which are neighbours in the layout: from `start` first those of the
 * first, such as a bias, then those of the second, the weight.
 */
export type MaskPair = { readonly start: number; readonly first: number; readonly second: number };

/** y [R, O] = x [R, I] · weight + bias [O], then max(0, y) when `relu`. */
export function linear(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  { orientation, relu }: { orientation: Orientation; relu: boolean },
): Tensor {
  const inputs = bias === null ? { x, weight } : { x, weight, bias };
  return engine().runKernel<Tensor>("Linear", inputs, { orientation, relu });
}

/** residual [R, O] + x [R, I] · weight (+ bias [O]). */
export function linearWithResidual(
  residual: Tensor,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  { orientation }: { orientation: Orientation },
): Tensor {
  const inputs = bias === null ? { x, weight, residual } : { x, weight, bias, residual };
  return engine().runKernel<Tensor>("Linear", inputs, { orientation, relu: false });
}

/**
 * The gradient of a linear operation's input: dx [R, I] = dy [R, O] · weight. Where `x` [R, I], the input, came
 * out of a ReLU, pass it: its zeros pass no gradient on. Else what reached the input on other ways, `past` [R, I], may
 * be added.
 */
export function linearInputGradient(
  dy: Tensor,
  weight: Tensor,
  x: Tensor | null,
  { orientation, past = null }: { orientation: Orientation; past?: Tensor | null },
): Tensor {
  const gated = x === null ? { dy, weight } : { dy, weight, x };
  const inputs = past === null ? gated : { ...gated, past };
  return engine().runKernel<Tensor>("LinearInputGradient", inputs, { orientation });
}

/**
 * Only the masked entries of the gradients of a linear operation's bias and weight, written into `gradient` [k]: for
 * each of the bias's `positions` (flat inside the tensor, [k] int32) a column sum of dy [R, O], for each of the
 * weight's one dot product over the rows of x [R, I] and dy. Never the dense gradient. Where it `adds`, the weight's are
 * added to what is there: of an output layer the rows come in parts.
 */
export function sampledLinearInto(
  gradient: Tensor,
  x: Tensor,
  dy: Tensor,
  positions: Tensor,
  options: MaskPair & { readonly orientation: Orientation; readonly adds: boolean },
): void {
  engine().runKernel("SampledLinear", { gradient, x, dy, positions }, options);
}

/**
 * The squared gradients of examples, added up: `sums`, of the weight's shape, grows by scale · Σ over the examples of
 * (xᵀ·dy)², where each example owns `rows` consecutive rows of x [R, I] and dy [R, O]. No example's gradient
 * is kept. Source: Sung, Nair & Raffel 2021, arXiv:2111.09839, §3.1.
 */
export function squaredGradientInto(
  sums: Tensor,
  x: Tensor,
  dy: Tensor,
  options: { readonly rows: number; readonly scale: number; readonly orientation: Orientation },
): void {
  engine().runKernel("SquaredGradient", { sums, x, dy }, options);
}

/**
 * Cross-entropy from integer targets, forward and backward in one: losses [R] in nats,
 * −log softmax(logits [R, C])[target], and dlogits [R, C], the gradient of their sum by `weights` [R].
 */
export function crossEntropy(
  logits: Tensor,
  targets: Tensor,
  weights: Tensor,
): { losses: Tensor; dlogits: Tensor } {
  const inputs = { logits, targets, weights };
  const [losses, dlogits] = engine().runKernel<Tensor[]>("CrossEntropy", inputs);
  return { losses: losses!, dlogits: dlogits! };
}

/** How well logits [R, C] meet integer targets [R]: [2, R], losses in nats, then 1 where the largest logit is the target's. */
export function scoreLogits(logits: Tensor, targets: Tensor): Tensor {
  return engine().runKernel<Tensor>("ScoreLogits", { logits, targets });
}

/** log[index] = Σ weights [R] · losses [R]. */
export function lossInto(
  log: Tensor,
  losses: Tensor,
  weights: Tensor,
  { index }: { index: number },
): void {
  engine().runKernel("LossInto", { log, losses, weights }, { index });
}

/**
 * One step of AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101, Algorithm 2) on the delta alone.
 * `state` [3, k] holds delta, first and second moment; `base` [k] the base's values at the mask, which
 * the decoupled decay acts on together with the delta; `gradient` [k].
 */
export function adamWInto(
  state: Tensor,
  gradient: Tensor,
  base: Tensor,
  options: {
    readonly learningRate: number;
    readonly beta1: number;
    readonly beta2: number;
    readonly epsilon: number;
    readonly weightDecay: number;
    /** 1 − beta1^step and 1 − beta2^step, for the step counted from 1. */
    readonly correction1: number;
    readonly correction2: number;
  },
): void {
  engine().runKernel("MaskedAdamW", { state, gradient, base }, options);
}

/**
 * weight[positions[j] − offset] = base[j] + delta[j] for the part's j; delta is the first row of `state` [3, k]. Of a
 * table in blocks of rows, `weight` is the one that begins at the flat position `offset`.
 */
export function applyDeltaInto(
  weight: Tensor,
  state: Tensor,
  base: Tensor,
  positions: Tensor,
  { start, count, offset }: MaskPart & { readonly offset: number },
): void {
  engine().runKernel("ApplyDelta", { weight, state, base, positions }, { start, count, offset });
}
