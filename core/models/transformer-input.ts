import { add, concat, reshape, slice, type Tensor, tensor, tile } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import type { TransformerArchitecture } from "../protocol/schemas/transformer.ts";
import type { Examples } from "../training/examples.ts";
import type { ImageExamples } from "../training/image-examples.ts";
import { splitWindows, type TextExamples } from "../training/text-examples.ts";
import type { GradientSink, LookupGradient } from "./gradient-sink.ts";
import { type Batch, optionalWeight, tableOf, type Weights, weightOf } from "./model.ts";
import { linear } from "./operations.ts";
import { embed } from "./transformer-operations.ts";
import { sequenceLength, TENSOR_NAMES } from "./transformer-tensors.ts";

// E examples, W windows of each, B sequences, T time, P patches, R = B·T rows, C channels

type ImageInput = Extract<TransformerArchitecture["input"], { kind: "image" }>;

/** The examples as the ones that a gradient is taken of. */
export function windowsOf({ input }: TransformerArchitecture, examples: Examples): Examples {
  if (input.kind === "image") return examples;
  assert(examples.kind === "text", `a transformer of text on ${examples.kind}`);
  return splitWindows(examples, input.window);
}

/** Put `examples[indices]` on the device: tokens [E, W, T] int32, or patches [E·P, planes·side·side]. */
export function exampleBatch(
  { input }: TransformerArchitecture,
  examples: Examples,
  indices: Uint32Array,
): Batch {
  if (input.kind === "tokens") {
    assert(examples.kind === "text", `a transformer of text on ${examples.kind}`);
    return textBatch(examples, indices, input.window);
  }
  assert(examples.kind === "images", `a transformer of images on ${examples.kind}`);
  const targets = Int32Array.from(indices, (example) => examples.labels[example]!);
  const E = indices.length;
  return {
    inputs: patchesOf(input, examples, indices),
    targets: tensor(targets, [E], "int32"),
    weights: tensor(new Float32Array(E).fill(1 / E), [E]),
  };
}

function textBatch(
  { length, tokens, counted }: TextExamples,
  indices: Uint32Array,
  T: number,
): Batch {
  const E = indices.length;
  const each = length - 1; // W·T: whole windows follow each other
  const inputs = new Int32Array(E * each);
  const targets = new Int32Array(E * each);
  const weights = new Float32Array(E * each).fill(1 / (E * each));
  indices.forEach((example, row) => {
    const stretch = tokens.subarray(example * length, (example + 1) * length);
    inputs.set(stretch.subarray(0, each), row * each);
    targets.set(stretch.subarray(1), row * each);
    if (counted === undefined) return;
    const flags = counted.subarray(example * each, (example + 1) * each);
    const counting = flags.reduce((sum, flag) => sum + flag, 0);
    flags.forEach((flag, at) => {
      weights[row * each + at] = flag / (E * counting);
    });
  });
  return {
    inputs: tensor(inputs, [E, each / T, T], "int32"),
    targets: tensor(targets, [E * each], "int32"),
    weights: tensor(weights, [E * each]),
  };
}

/** Patches [E·P, planes·side·side] of images that lie row by row, colours together: planes first, as the projection's weight. */
function patchesOf(input: ImageInput, { pixels }: ImageExamples, indices: Uint32Array): Tensor {
  const { height, width, planes, patch: side, mean, deviation } = input;
  const size = height * width * planes;
  const across = width / side;
  const P = (height / side) * across;
  const wide = planes * side * side;
  const values = new Float32Array(indices.length * P * wide);
  let to = 0;
  for (const example of indices) {
    for (let patch = 0; patch < P; patch++) {
      const top = Math.floor(patch / across) * side;
      const left = (patch % across) * side;
      for (let plane = 0; plane < planes; plane++) {
        for (let y = top; y < top + side; y++) {
          for (let x = left; x < left + side; x++) {
            const pixel = pixels[example * size + (y * width + x) * planes + plane]!;
            values[to++] = (pixel / 255 - mean[plane]!) / deviation[plane]!;
          }
        }
      }
    }
  }
  return tensor(values, [indices.length * P, wide]);
}

/** The residual stream [R, C] of a batch's inputs before the first block, and how many rows a sequence has. */
export function embedBatch(
  architecture: TransformerArchitecture,
  weights: Weights,
  inputs: Tensor,
): { stream: Tensor; time: number } {
  const { layout, positions, channels: C } = architecture;
  const names = TENSOR_NAMES[layout];
  const name = `${names.embedding}.weight`;
  if (architecture.input.kind === "tokens") {
    const time = inputs.shape.at(-1) ?? 0;
    const places = positions.kind === "learned" ? weightOf(weights, names.positions) : null;
    return { stream: lookUp(inputs, tableOf(weights, name), places, time), time };
  }
  const time = sequenceLength(architecture);
  const bias = weightOf(weights, `${names.embedding}.bias`);
  const options = { orientation: "out-in", relu: false } as const;
  const patches = linear(inputs, reshape(weightOf(weights, name), [C, -1]), bias, options); // [B·P, C]
  const token = optionalWeight(weights, names.classToken);
  const P = token === null ? time : time - 1;
  const B = inputs.shape[0]! / P;
  const rows = reshape(patches, [B, P, C]);
  const sequences =
    token === null ? rows : concat([tile(reshape(token, [1, 1, C]), [B, 1, 1]), rows], 1);
  const placed = add(sequences, weightOf(weights, names.positions)); // [B, T, C] + [1, T, C]
  return { stream: reshape(placed, [B * time, C]), time };
}

/** The rows [R, C] of `inputs`' tokens, plus their places'. Each token has its row in one block, and 0 of the others. */
function lookUp(
  inputs: Tensor,
  table: readonly Tensor[],
  places: Tensor | null,
  time: number,
): Tensor {
  const tokens = reshape(inputs, [inputs.size]);
  let stream: Tensor | null = null;
  let first = 0;
  for (const block of table) {
    const rows = embed(tokens, block, stream === null ? places : null, { time, first });
    stream = stream === null ? rows : add(stream, rows);
    first += block.shape[0]!;
  }
  assert(stream !== null, "a table without blocks");
  return stream;
}

/** Gives `sink` the gradients of all that `embedBatch` used; dx [R, C] is that of the stream. */
export function embeddingGradient(
  architecture: TransformerArchitecture,
  sink: GradientSink,
  { inputs }: Batch,
  {
    dx,
    tied,
    isReached,
  }: { readonly dx: Tensor; readonly tied: LookupGradient["tied"]; readonly isReached: boolean },
): void {
  if (!isReached) return;
  const { layout, positions, channels: C, input } = architecture;
  const names = TENSOR_NAMES[layout];
  if (input.kind === "tokens") {
    const tokens = reshape(inputs, [inputs.size]);
    sink.lookup(names.embedding, { tokens, dx, tied });
    const time = inputs.shape.at(-1) ?? 0;
    if (positions.kind === "learned") sink.offset(names.positions, reshape(dx, [-1, time * C]));
    return;
  }
  const time = sequenceLength(architecture);
  const B = dx.shape[0]! / time;
  sink.offset(names.positions, reshape(dx, [B, time * C]));
  const P = inputs.shape[0]! / B;
  if (P < time) sink.offset(names.classToken, slice(reshape(dx, [B, time * C]), [0, 0], [B, C]));
  const dpatches = slice(reshape(dx, [B, time, C]), [0, time - P, 0], [B, P, C]);
  sink.linear(names.embedding, inputs, reshape(dpatches, [B * P, C]), "out-in");
}
