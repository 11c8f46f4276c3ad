/**
 * Training as public projects write it with tfjs: a model of general operations, gradients from the tape, one-hot
 * targets and `tf.train.adam` over every weight. Registered gradients are all that tfjs-core lacks for it.
 */
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js";
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
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

// B batch, T time, C channels, H heads, D = C/H, V vocabulary

type Variables = ReadonlyMap<string, tf.Variable>;

export async function openPlainTfjs(entry: Entry, clock: Clock): Promise<Contestant> {
  if (entry.backend === "wasm") setWasmPaths(entry.wasmFolder);
  await tf.setBackend(entry.backend);
  await tf.ready();
  const shape = SHAPES[entry.shape];
  const variables = new Map<string, tf.Variable>();
  const parameters = parametersOf(shape);
  for (const { name, shape: dimensions, offset, size } of layoutOf(shape.architecture).tensors) {
    const values = tf.tensor(parameters.slice(offset, offset + size), [...dimensions]);
    variables.set(name, tf.variable(values, true, name));
    values.dispose();
  }
  const lossOf = isGpt(shape) ? gptLoss(shape, variables, entry) : mlpLoss(shape, variables);
  const optimizer = tf.train.adam(0.001);
  let loss: tf.Scalar | null = null;
  return contestantOf(
    clock,
    (step) => {
      loss?.dispose();
      loss = optimizer.minimize(() => lossOf(step), true, [...variables.values()]);
    },
    async () => (await loss?.data())?.[0] ?? Number.NaN,
  );
}

/** The mean loss of step `step`'s batch as a function of the variables: GPT-2 as its paper draws it. */
function gptLoss(
  shape: GptShape,
  variables: Variables,
  { backend }: Entry,
): (step: number) => tf.Scalar {
  const { context: T, channels: C, heads: H, layers, vocabulary: V } = shape.architecture;
  const B = shape.batch;
  const examples = shape.examples();
  const mask = tf.tidy(() =>
    tf.linalg
      .bandPart(tf.ones([T, T]), -1, 0)
      .sub(1)
      .mul(1e9),
  ); // 0 and below 0

  const linear = (x: tf.Tensor, name: string) =>
    tf.matMul(x, get(variables, `${name}.weight`)).add(get(variables, `${name}.bias`));

  function attention(x: tf.Tensor, name: string): tf.Tensor {
    const heads = linear(x, `${name}.c_attn`).reshape([B, T, 3, H, C / H]);
    const [q, k, v] = tf.unstack(heads.transpose([2, 0, 3, 1, 4])); // each [B, H, T, D]
    const scores = tf
      .matMul(q!, k!, false, true)
      .div(Math.sqrt(C / H))
      .add(mask); // [B, H, T, T]
    const mixed = tf.matMul(tf.softmax(scores), v!).transpose([0, 2, 1, 3]); // [B, T, H, D]
    return linear(mixed.reshape([B * T, C]), `${name}.c_proj`);
  }

  function embed(tokens: tf.Tensor1D): tf.Tensor {
    const wte = get(variables, "wte.weight");
    // tfjs's wasm backend has no gradient for gather (UnsortedSegmentSum), so there a product looks it up.
    if (backend === "wasm") return tf.matMul(tf.oneHot(tokens, V).toFloat(), wte);
    return tf.gather(wte, tokens);
  }

  return (step) => {
    const { inputs, targets } = tokensOf(shape, examples, step);
    const wpe = get(variables, "wpe.weight"); // [T, C]
    let stream = embed(tf.tensor1d(inputs, "int32"))
      .reshape([B, T, C])
      .add(wpe)
      .reshape([B * T, C]);
    for (let layer = 0; layer < layers; layer++) {
      const norm = (part: string) => layerNorm(variables, `h.${layer}.${part}`, stream);
      stream = stream.add(attention(norm("ln_1"), `h.${layer}.attn`));
      const wide = gelu(linear(norm("ln_2"), `h.${layer}.mlp.c_fc`));
      stream = stream.add(linear(wide, `h.${layer}.mlp.c_proj`));
    }
    const normal = layerNorm(variables, "ln_f", stream);
    const logits = tf.matMul(normal, get(variables, "wte.weight"), false, true); // [B · T, V]
    const oneHot = tf.oneHot(tf.tensor1d(targets, "int32"), V);
    return tf.losses.softmaxCrossEntropy(oneHot, logits);
  };
}

function mlpLoss(shape: MlpShape, variables: Variables): (step: number) => tf.Scalar {
  const { inputs: width, hidden, outputs } = shape.architecture;
  const examples = shape.examples();
  return (step) => {
    const { inputs, targets } = imagesOf(shape, examples, step);
    let x: tf.Tensor = tf.tensor2d(inputs, [shape.batch, width]);
    for (let layer = 0; layer <= hidden.length; layer++) {
      const weight = get(variables, `layers.${layer}.weight`); // [outputs, inputs]
      x = tf.matMul(x, weight, false, true).add(get(variables, `layers.${layer}.bias`));
      if (layer < hidden.length) x = tf.relu(x);
    }
    const oneHot = tf.oneHot(tf.tensor1d(targets, "int32"), outputs);
    return tf.losses.softmaxCrossEntropy(oneHot, x);
  };
}

/** Rows of x [R, C] to mean 0 and variance 1, then scaled and shifted. */
function layerNorm(variables: Variables, name: string, x: tf.Tensor): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  const normal = x.sub(mean).div(variance.add(1e-5).sqrt());
  return normal.mul(get(variables, `${name}.weight`)).add(get(variables, `${name}.bias`));
}

/** The tanh form, GPT-2's. */
function gelu(x: tf.Tensor): tf.Tensor {
  const inner = x.add(x.pow(3).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
  return x.mul(0.5).mul(inner.tanh().add(1));
}

function get(variables: Variables, name: string): tf.Variable {
  const variable = variables.get(name);
  if (variable === undefined) throw new Error(`no variable "${name}"`);
  return variable;
}
