/** The same models in jax-js: one jitted function of value, gradient and Adam's update, every weight trained. */
import { defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { layoutOf } from "../../core/models/registry.ts";
import { type Clock, type Contestant, contestantOf, type Entry } from "../training/contestant.ts";
import {
  type GptShape,
  imagesOf,
  isGpt,
  type MlpShape,
  parametersOf,
  SHAPES,
  tokensOf,
} from "../training/shapes.ts";

// B batch, T time, C channels, H heads, D = C/H, V vocabulary, R = B·T rows
// jax-js counts references: a function uses up its arguments, `.ref` keeps one for another use.

type Parameters = Record<string, np.Array>;

const RATE = 0.001;
const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

export async function openJaxJs(entry: Entry, clock: Clock): Promise<Contestant> {
  const devices = await init(entry.backend);
  if (!devices.includes(entry.backend)) throw new Error(`jax-js has no ${entry.backend} here`);
  defaultDevice(entry.backend);
  const shape = SHAPES[entry.shape];
  const flat = parametersOf(shape);
  const { tensors } = layoutOf(shape.architecture);
  const load = (values: Float32Array<ArrayBuffer>) =>
    Object.fromEntries(
      tensors.map(({ name, shape: dimensions, offset, size }) => [
        name,
        np.array(values.slice(offset, offset + size)).reshape([...dimensions]),
      ]),
    );
  const parameters = load(Float32Array.from(flat));
  const zeros = new Float32Array(flat.length);
  let state = { parameters, first: load(zeros), second: load(zeros) };
  const lossOf = isGpt(shape) ? gptLoss(shape) : mlpLoss(shape);
  const batchOf = isGpt(shape) ? textBatches(shape) : imageBatches(shape);
  const train = jit(trainStep(lossOf));
  let loss: np.Array | null = null;
  return contestantOf(
    clock,
    (step) => {
      loss?.dispose();
      const { inputs, targets } = batchOf(step);
      // Adam's two corrections for having started at 0, as arrays: a number would compile each step anew.
      const corrections = np.array([1 - BETA1 ** (step + 1), 1 - BETA2 ** (step + 1)]);
      const next = train(state, inputs, targets, corrections);
      state = next.state;
      loss = next.loss;
    },
    async () => (await loss?.ref.data())?.[0] ?? Number.NaN,
  );
}

type State = { parameters: Parameters; first: Parameters; second: Parameters };
type Loss = (parameters: Parameters, inputs: np.Array, targets: np.Array) => np.Array;

function trainStep(lossOf: Loss) {
  return (
    { parameters, first, second }: State,
    inputs: np.Array,
    targets: np.Array,
    corrections: np.Array,
  ): { state: State; loss: np.Array } => {
    const [loss, gradient] = valueAndGrad((p: Parameters) => lossOf(p, inputs, targets))(
      tree.ref(parameters),
    ) as [np.Array, Parameters];
    const [correction1, correction2] = np.split(corrections, 2) as [np.Array, np.Array]; // each [1]
    const state: State = { parameters: {}, first: {}, second: {} };
    for (const name of Object.keys(parameters)) {
      const g = gradient[name]!;
      const m = first[name]!.mul(BETA1).add(g.ref.mul(1 - BETA1));
      const v = second[name]!.mul(BETA2).add(np.square(g).mul(1 - BETA2));
      state.first[name] = m.ref;
      state.second[name] = v.ref;
      const scale = np.sqrt(v.div(correction2.ref)).add(EPSILON);
      const update = m.div(correction1.ref).div(scale).mul(RATE);
      state.parameters[name] = parameters[name]!.sub(update);
    }
    tree.dispose([correction1, correction2]);
    return { state, loss };
  };
}

function gptLoss({ architecture, batch: B }: GptShape): Loss {
  const { context: T, channels: C, heads: H, layers, vocabulary: V } = architecture;
  return (p, inputs, targets) => {
    const linear = (x: np.Array, name: string) =>
      np.matmul(x, p[`${name}.weight`]!).add(p[`${name}.bias`]!);
    const norm = (x: np.Array, name: string) =>
      nn.standardize(x, -1).mul(p[`${name}.weight`]!).add(p[`${name}.bias`]!);
    const wte = p["wte.weight"]!;
    // As a product: the gradient of np.take, a scatter, cannot be compiled by jit.
    const embedded = np.matmul(nn.oneHot(inputs, V), wte.ref); // [R, C]
    let stream = embedded
      .reshape([B, T, C])
      .add(p["wpe.weight"]!)
      .reshape([B * T, C]);
    for (let layer = 0; layer < layers; layer++) {
      const name = (part: string) => `h.${layer}.${part}`;
      const qkv = linear(norm(stream.ref, name("ln_1")), name("attn.c_attn"));
      const [q, k, v] = np.split(qkv.reshape([B, T, 3 * H, C / H]), 3, 2) as np.Array[];
      const mixed = nn.dotProductAttention(q!, k!, v!, { isCausal: true }); // [B, T, H, D]
      stream = stream.add(linear(mixed.reshape([B * T, C]), name("attn.c_proj")));
      const wide = nn.gelu(linear(norm(stream.ref, name("ln_2")), name("mlp.c_fc")));
      stream = stream.add(linear(wide, name("mlp.c_proj")));
    }
    const logits = np.matmul(norm(stream, "ln_f"), np.transpose(wte)); // [R, V]
    return crossEntropy(logits, targets, V);
  };
}

function mlpLoss({ architecture: { hidden, outputs } }: MlpShape): Loss {
  return (p, inputs, targets) => {
    let x = inputs;
    for (let layer = 0; layer <= hidden.length; layer++) {
      const weight = np.transpose(p[`layers.${layer}.weight`]!);
      x = np.matmul(x, weight).add(p[`layers.${layer}.bias`]!);
      if (layer < hidden.length) x = nn.relu(x);
    }
    return crossEntropy(x, targets, outputs);
  };
}

/** The mean over rows of −log softmax(logits [R, classes]) at the target. */
function crossEntropy(logits: np.Array, targets: np.Array, classes: number): np.Array {
  const picked = nn.logSoftmax(logits, -1).mul(nn.oneHot(targets, classes)).sum(-1);
  return np.mean(picked).neg();
}

function textBatches(shape: GptShape) {
  const examples = shape.examples();
  return (step: number) => {
    const { inputs, targets } = tokensOf(shape, examples, step);
    return { inputs: np.array(inputs), targets: np.array(targets) };
  };
}

function imageBatches(shape: MlpShape) {
  const examples = shape.examples();
  return (step: number) => {
    const { inputs, targets } = imagesOf(shape, examples, step);
    return { inputs: np.array(inputs).reshape([shape.batch, -1]), targets: np.array(targets) };
  };
}
