import { dispose, memory, type Tensor, tensor } from "@tensorflow/tfjs-core";
import { expect } from "vitest";
import { type GptArchitecture, gptAsTransformer } from "../../core/models/gpt.ts";
import type { MlpArchitecture } from "../../core/models/mlp.ts";
import { type Orientation, squaredGradientInto } from "../../core/models/operations.ts";
import { fisherSums } from "../../core/models/reference/fisher.ts";
import { squaredGradientSums, transposed } from "../../core/models/reference/linear.ts";
import { mlpGradient, mlpLosses } from "../../core/models/reference/mlp.ts";
import { joinFlat, splitFlat, type Tensors } from "../../core/models/reference/tensors.ts";
import {
  type TransformerBatch,
  transformerGradient,
  transformerLosses,
} from "../../core/models/reference/transformer.ts";
import { layoutOf, modelOf } from "../../core/models/registry.ts";
import { createTransformer } from "../../core/models/transformer.ts";
import type { Architecture } from "../../core/protocol/schemas/recipe.ts";
import type { TransformerArchitecture } from "../../core/protocol/schemas/transformer.ts";
import type { Examples } from "../../core/training/examples.ts";
import { estimateFisher, estimateModelFisher } from "../../core/training/fisher.ts";
import { maskedGradient } from "../../core/training/gradient.ts";
import { llama, vit } from "../fixtures/known-transformers.ts";
import { differences, expectClose, randomTokens, randomValues } from "./finite-differences.ts";
import { randomExamples, randomText, referenceBatch } from "./transformer-model.ts";
import { rounded } from "./transformer-operations.ts";

const MLP: MlpArchitecture = { kind: "mlp", inputs: 5, hidden: [7, 3], outputs: 4 };
const GPT: GptArchitecture = {
  kind: "gpt",
  vocabulary: 11,
  context: 3,
  layers: 2,
  channels: 6,
  heads: 2,
};
/** Three windows fill a batch. */
const DEEP: GptArchitecture = { ...GPT, vocabulary: 5, context: 129, layers: 8, channels: 4 };
const WIDE: MlpArchitecture = { kind: "mlp", inputs: 33, hidden: [45], outputs: 17 };

const LLAMA = llama(
  {
    vocabulary: 11,
    context: 4,
    window: 3,
    layers: 1,
    channels: 6,
    heads: 2,
    keyValueHeads: 1,
    headChannels: 4,
    wide: 5,
  },
  { queryKeyNorm: true, inputBias: true, tied: false },
);
const TIED: TransformerArchitecture = { ...LLAMA, head: { kind: "tokens", tied: true } };
const VIT = vit({ side: 4, patch: 2, layers: 1, channels: 6, heads: 2, classes: 3 });
const textOf = ({ vocabulary, context: window }: GptArchitecture) => ({ vocabulary, window });

/** Small and odd models, each with examples that fill more than a batch or are units of several windows. */
export const FISHER_CASES: readonly {
  readonly what: string;
  readonly architecture: Architecture;
  readonly examples: Examples;
  /** Where tables are to lie in blocks: what one may have. */
  readonly bindingBytes?: number;
}[] = [
  { what: "an MLP, one image", architecture: MLP, examples: randomImages(MLP, 1) },
  { what: "an MLP, two batches", architecture: WIDE, examples: randomImages(WIDE, 257) },
  { what: "a GPT, one window", architecture: GPT, examples: randomText(textOf(GPT), 1, 1) },
  {
    what: "a GPT, units of three windows",
    architecture: GPT,
    examples: randomText(textOf(GPT), 3, 3),
  },
  { what: "a Llama", architecture: LLAMA, examples: randomExamples(LLAMA, 3, 2) },
  {
    what: "a Llama, tables and squares in blocks",
    architecture: LLAMA,
    examples: randomExamples(LLAMA, 2, 1),
    bindingBytes: 4 * 12 * 3, // squares of 3 rows, weights of 6
  },
  {
    what: "a tied Llama, its table and squares in blocks",
    architecture: TIED,
    examples: randomExamples(TIED, 2, 1),
    bindingBytes: 4 * 12 * 5,
  },
  { what: "a ViT", architecture: VIT, examples: randomExamples(VIT, 3, 1) },
  { what: "a GPT, two batches", architecture: DEEP, examples: randomText(textOf(DEEP), 4, 1) },
];

const TINY: GptArchitecture = { ...GPT, vocabulary: 5, context: 2, layers: 1 };

/** So small that every parameter can be moved by itself. */
export const DIFFERENCE_CASES: typeof FISHER_CASES = [
  { what: "an MLP", architecture: MLP, examples: randomImages(MLP, 3) },
  { what: "a Llama", architecture: LLAMA, examples: randomExamples(LLAMA, 2, 1) },
  { what: "a ViT", architecture: VIT, examples: randomExamples(VIT, 2, 1) },
  {
    what: "a GPT, units of two windows",
    architecture: TINY,
    examples: randomText(textOf(TINY), 2, 2),
  },
];

/** Compare the Fisher and the held-out gradient on the open backend with their f64 references. */
export async function compareFisher({
  architecture,
  examples,
  bindingBytes,
}: (typeof FISHER_CASES)[number]): Promise<void> {
  const { size } = layoutOf(architecture);
  const parameters = Float32Array.from(randomValues("parameters", size, 0.5));
  const flat = Float64Array.from(parameters);
  const before = memory().numTensors;
  const estimate = () =>
    architecture.kind === "transformer" && bindingBytes !== undefined
      ? estimateModelFisher(createTransformer(architecture, { bindingBytes }), {
          parameters,
          examples,
        })
      : estimateFisher({ architecture, parameters, examples });
  const fisher = await estimate();
  const { count } = modelOf(architecture).windows(examples);
  const one = (window: number) => gradientOf(architecture, flat, examples, window);
  const expected = fisherSums(count, one).map((sum) => sum / count);
  expectClose("Fisher", fisher, expected, 1e-5);
  expect(await estimate()).toEqual(fisher);

  const positions = Uint32Array.from({ length: Math.ceil(size / 3) }, (_, j) => 3 * j);
  const held = { architecture, parameters, positions, examples };
  const gradient = await maskedGradient(held);
  const mean = new Float64Array(size);
  for (let window = 0; window < count; window++) {
    one(window).forEach((value, p) => {
      mean[p]! += value / count;
    });
  }
  expectClose(
    "held-out gradient",
    gradient,
    Array.from(positions, (position) => mean[position]!),
    1e-5,
  );
  expect(await maskedGradient(held)).toEqual(gradient);
  expect(memory().numTensors).toBe(before);
}

/** The same against finite differences of the f64 losses, for models of `DIFFERENCE_CASES`. */
export async function compareFisherWithDifferences({
  architecture,
  examples,
}: (typeof FISHER_CASES)[number]): Promise<void> {
  const { size } = layoutOf(architecture);
  const parameters = Float32Array.from(randomValues("parameters", size, 0.5));
  const flat = Float64Array.from(parameters);
  const { count } = modelOf(architecture).windows(examples);
  const sums = fisherSums(count, (window) =>
    differences(flat, () => lossOf(architecture, flat, examples, window)),
  );
  const fisher = await estimateFisher({ architecture, parameters, examples });
  expectClose(
    "Fisher",
    fisher,
    sums.map((sum) => sum / count),
    1e-5,
  );
  const whole = differences(flat, () => {
    let mean = 0;
    for (let window = 0; window < count; window++) {
      mean += lossOf(architecture, flat, examples, window) / count;
    }
    return mean;
  });
  const positions = Uint32Array.from({ length: size }, (_, position) => position);
  const gradient = await maskedGradient({ architecture, parameters, positions, examples });
  expectClose("held-out gradient", gradient, whole, 1e-5);
}

const PRODUCTS: readonly { rows: number; examples: number; I: number; O: number }[] = [
  { rows: 1, examples: 1, I: 1, O: 1 },
  { rows: 1, examples: 19, I: 5, O: 33 },
  { rows: 7, examples: 5, I: 37, O: 35 },
  { rows: 16, examples: 2, I: 1, O: 67 },
  { rows: 33, examples: 3, I: 65, O: 3 },
];

/** Compare the operation by itself with the f64 reference: twice into the same sums. */
export async function compareSquaredGradient(): Promise<void> {
  for (const { rows, examples, I, O } of PRODUCTS) {
    const R = rows * examples;
    const x = rounded(randomValues("x", R * I));
    const dy = rounded(randomValues("dy", R * O));
    const sums = squaredGradientSums(x, dy, rows, { inputs: I, outputs: O }); // [I, O]
    const expected = { "in-out": sums, "out-in": transposed(sums, I, O) };
    for (const orientation of ["in-out", "out-in"] satisfies Orientation[]) {
      const shape = orientation === "in-out" ? [I, O] : [O, I];
      const given = [tensor(new Float32Array(I * O).fill(0.25), shape), on(x, R, I), on(dy, R, O)];
      for (const scale of [2, 0.5]) {
        squaredGradientInto(given[0]!, given[1]!, given[2]!, { rows, scale, orientation });
      }
      const wanted = expected[orientation].map((sum) => 0.25 + 2.5 * sum);
      const what = `${examples} × ${rows} rows, ${I} × ${O}, ${orientation}`;
      expectClose(what, await given[0]!.data(), wanted, 2e-6);
      dispose(given);
    }
  }
}

function on(values: Float64Array, ...shape: number[]): Tensor {
  return tensor(Float32Array.from(values), shape);
}

function randomImages({ inputs, outputs }: MlpArchitecture, count: number): Examples {
  const pixels = Uint8Array.from(randomTokens("pixels", count * inputs, 256));
  const labels = Uint8Array.from(randomTokens("labels", count, outputs));
  return { kind: "images", count, pixels, labels };
}

/** The dense gradient [N] of one image's or window's loss in f64. */
function gradientOf(
  architecture: Architecture,
  flat: Float64Array,
  examples: Examples,
  index: number,
): Float64Array {
  const layout = layoutOf(architecture);
  const tensors = splitFlat(flat, layout);
  const { gradient } =
    architecture.kind === "mlp"
      ? mlpGradient(architecture, tensors, imageOf(architecture, examples, index))
      : transformerGradient(...windowOf(architecture, tensors, examples, index));
  return joinFlat(gradient, layout);
}

/** One image's or window's mean loss in f64. */
function lossOf(
  architecture: Architecture,
  flat: Float64Array,
  examples: Examples,
  index: number,
): number {
  const tensors = splitFlat(flat, layoutOf(architecture));
  const losses =
    architecture.kind === "mlp"
      ? mlpLosses(architecture, tensors, imageOf(architecture, examples, index))
      : transformerLosses(...windowOf(architecture, tensors, examples, index));
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

function imageOf({ inputs }: MlpArchitecture, examples: Examples, index: number) {
  if (examples.kind !== "images") throw new Error("an MLP sees images");
  const pixels = examples.pixels.subarray(index * inputs, (index + 1) * inputs);
  return {
    inputs: Float64Array.from(pixels, (pixel) => pixel / 255),
    targets: [examples.labels[index]!],
  };
}

/** One window or image, as the reference takes it. */
function windowOf(
  architecture: Exclude<Architecture, MlpArchitecture>,
  tensors: Tensors,
  examples: Examples,
  index: number,
): [TransformerArchitecture, Tensors, TransformerBatch] {
  const transformer = architecture.kind === "gpt" ? gptAsTransformer(architecture) : architecture;
  const windows = modelOf(architecture).windows(examples);
  return [transformer, tensors, referenceBatch(transformer, windows, [index])];
}
