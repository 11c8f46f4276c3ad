import { type Tensor, tensor, tidy } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import type { Architecture } from "../protocol/schemas/recipe.ts";
import type { Examples } from "../training/examples.ts";
import type { GradientSink } from "./gradient-sink.ts";
import { type Batch, type Model, type Weights, weightOf } from "./model.ts";
import { crossEntropy, linear, linearInputGradient, scoreLogits } from "./operations.ts";

const EXAMPLES_A_BATCH = 250; // 0.8 MB of pixels

export type MlpArchitecture = Extract<Architecture, { kind: "mlp" }>;

/**
 * A classifier of images: linear layers with ReLU in between, named as PyTorch's would be:
 * "layers.0.weight" [outputs, inputs], "layers.0.bias" [outputs], "layers.1.weight", …
 */
export function createMlp(architecture: MlpArchitecture): Model {
  const widths = [architecture.inputs, ...architecture.hidden, architecture.outputs];
  const layers = widths.length - 1;
  const shapes = Array.from({ length: layers }, (_, layer) => [
    { name: `layers.${layer}.weight`, shape: [widths[layer + 1]!, widths[layer]!] },
    { name: `layers.${layer}.bias`, shape: [widths[layer + 1]!] },
  ]).flat();
  return {
    shapes,
    outputs: [`layers.${layers - 1}.weight`, `layers.${layers - 1}.bias`],
    blocksOf: ({ shape: [rows = 1] }) => [{ first: 0, count: rows }],
    widest: (batch) => ({
      name: `a batch of ${batch} images`,
      shape: [batch, Math.max(...widths)],
    }),
    windows: (examples) => examples,
    batch: (examples, indices) => imageBatch(examples, indices, architecture.inputs),
    gradientInto: (sink, weights, batch) => tidy(() => gradientInto(sink, weights, batch, layers)),
    gradientBatch: () => EXAMPLES_A_BATCH,
    scoreBatch: () => EXAMPLES_A_BATCH,
    score: (weights, { inputs, targets }) =>
      tidy(() => scoreLogits(forward(weights, inputs, layers).at(-1)!, targets)),
  };
}

/** The logits [B, outputs] of images [B, inputs]. */
export function mlpLogits({ hidden }: MlpArchitecture, weights: Weights, inputs: Tensor): Tensor {
  return tidy(() => forward(weights, inputs, hidden.length + 1).at(-1)!);
}

/** The input [B, inputs] and every layer's output [B, width], the last one without ReLU: the logits. */
function forward(weights: Weights, inputs: Tensor, layers: number): Tensor[] {
  const outputs = [inputs];
  for (let layer = 0; layer < layers; layer++) {
    const weight = weightOf(weights, `layers.${layer}.weight`);
    const bias = weightOf(weights, `layers.${layer}.bias`);
    const relu = layer < layers - 1;
    outputs.push(linear(outputs[layer]!, weight, bias, { orientation: "out-in", relu }));
  }
  return outputs;
}

function gradientInto(sink: GradientSink, weights: Weights, batch: Batch, layers: number): Tensor {
  const outputs = forward(weights, batch.inputs, layers);
  const { losses, dlogits } = crossEntropy(outputs[layers]!, batch.targets, batch.weights);
  const lowest = lowestWantedLayer(sink, layers);
  let dy = dlogits; // [B, width of the layer's output]
  for (let layer = layers - 1; layer >= lowest; layer--) {
    const x = outputs[layer]!; // [B, width of the layer's input]
    sink.linear(`layers.${layer}`, x, dy, "out-in");
    if (layer > lowest) {
      const weight = weightOf(weights, `layers.${layer}.weight`);
      dy = linearInputGradient(dy, weight, x, { orientation: "out-in" });
    }
  }
  return losses;
}

/** The backward pass stops here: nothing below is wanted. */
function lowestWantedLayer(sink: GradientSink, layers: number): number {
  let layer = 0;
  while (layer < layers - 1 && !sink.wants(`layers.${layer}.`)) layer++;
  return layer;
}

function imageBatch(examples: Examples, indices: Uint32Array, inputs: number): Batch {
  assert(examples.kind === "images", `an MLP on ${examples.kind}`);
  const pixels = new Float32Array(indices.length * inputs); // [B, inputs]
  const targets = new Int32Array(indices.length); // [B]
  indices.forEach((example, row) => {
    targets[row] = examples.labels[example]!;
    const from = example * inputs;
    const to = row * inputs;
    for (let p = 0; p < inputs; p++) pixels[to + p] = examples.pixels[from + p]! / 255;
  });
  return {
    inputs: tensor(pixels, [indices.length, inputs]),
    targets: tensor(targets, [indices.length], "int32"),
    weights: tensor(new Float32Array(indices.length).fill(1 / indices.length), [indices.length]),
  };
}
