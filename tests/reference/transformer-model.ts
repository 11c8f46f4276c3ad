import { dispose, memory, tensor, zeros } from "@tensorflow/tfjs-core";
import { expect } from "vitest";
import { maskedSink } from "../../core/models/masked-sink.ts";
import { disposeBatch, type Model } from "../../core/models/model.ts";
import { joinFlat, splitFlat } from "../../core/models/reference/tensors.ts";
import {
  type TransformerBatch,
  transformerGradient,
  transformerLogits,
  transformerLosses,
} from "../../core/models/reference/transformer.ts";
import { MAX_BINDING_BYTES } from "../../core/models/row-blocks.ts";
import { createTransformer } from "../../core/models/transformer.ts";
import type { TransformerArchitecture } from "../../core/protocol/schemas/transformer.ts";
import { createLayout, type Layout } from "../../core/tensors/layout.ts";
import type { Examples } from "../../core/training/examples.ts";
import { cutMask } from "../../core/training/mask-parts.ts";
import type { TextExamples } from "../../core/training/text-examples.ts";
import { closeTraining, openTraining } from "../../core/training/training-session.ts";
import { uploadWeights } from "../../core/training/weights.ts";
import { gpt2, llama, vit } from "../fixtures/known-transformers.ts";
import { expectClose, randomTokens, randomValues } from "./finite-differences.ts";

// E examples, W windows of each, T time

const SMALL = gpt2({ vocabulary: 19, context: 6, layers: 2, channels: 10, heads: 2 });
const GROUPED = {
  vocabulary: 23,
  context: 9,
  window: 7,
  layers: 2,
  channels: 18,
  heads: 6,
  keyValueHeads: 2,
  headChannels: 4,
  wide: 13,
};
const SEES = { side: 6, patch: 3, layers: 2, channels: 10, heads: 2, classes: 5 };
const LLAMA = llama(GROUPED);

/** Small and odd transformers of every part, each with how many examples of how many windows it is compared on. */
export const TRANSFORMER_CASES: readonly {
  readonly what: string;
  readonly architecture: TransformerArchitecture;
  readonly examples: number;
  readonly windows: number;
  /** Where a table is to lie in blocks: what one may have. */
  readonly bindingBytes?: number;
}[] = [
  { what: "GPT-2, two layers", architecture: SMALL, examples: 3, windows: 1 },
  {
    what: "GPT-2, windows of 1 below a context of 6",
    architecture: { ...SMALL, input: { ...SMALL.input, window: 1 } },
    examples: 1,
    windows: 1,
  },
  {
    what: "GPT-2, vocabulary 256 and 7 channels",
    architecture: gpt2({ vocabulary: 256, context: 6, layers: 1, channels: 7, heads: 1 }),
    examples: 2,
    windows: 2,
  },
  {
    what: "GPT-2, its table in three blocks",
    architecture: SMALL,
    examples: 3,
    windows: 2,
    bindingBytes: 4 * 7 * 10,
  },
  {
    what: "Llama, both tables in six blocks",
    architecture: llama(GROUPED, { tied: false }),
    examples: 2,
    windows: 1,
    bindingBytes: 4 * 4 * 18,
  },
  { what: "Llama, grouped queries", architecture: LLAMA, examples: 3, windows: 1 },
  {
    what: "Llama, an output layer of its own",
    architecture: llama(GROUPED, { tied: false }),
    examples: 2,
    windows: 2,
  },
  {
    what: "Llama 3's scaled positions",
    architecture: {
      ...LLAMA,
      positions: {
        kind: "rotary",
        base: 100,
        scaling: {
          kind: "llama3",
          factor: 8,
          lowFrequencyFactor: 1,
          highFrequencyFactor: 4,
          originalContext: 5,
        },
      },
    },
    examples: 1,
    windows: 1,
  },
  {
    what: "Qwen 2, biases of the heads",
    architecture: llama(GROUPED, { inputBias: true }),
    examples: 2,
    windows: 1,
  },
  {
    what: "Qwen 3, norms of the heads",
    architecture: llama(GROUPED, { queryKeyNorm: true, epsilon: 1e-6 }),
    examples: 2,
    windows: 1,
  },
  {
    what: "a Llama of other parts: layer norm, exact GELU, every bias",
    architecture: {
      ...LLAMA,
      norm: { kind: "layer", epsilon: 1e-4 },
      attention: { ...LLAMA.attention, inputBias: true, outputBias: true },
      feedForward: { kind: "gelu", channels: 11, bias: true },
    },
    examples: 2,
    windows: 1,
  },
  { what: "ViT, class token", architecture: vit(SEES), examples: 3, windows: 1 },
  {
    what: "ViT, mean of grey patches",
    architecture: vit({ ...SEES, planes: 1, pooling: "mean" }),
    examples: 2,
    windows: 1,
  },
];

/** Compare losses, masked gradients and scores on the open backend with the f64 reference. */
export async function compareTransformer({
  architecture,
  examples: E,
  windows: W,
  bindingBytes = MAX_BINDING_BYTES,
}: (typeof TRANSFORMER_CASES)[number]): Promise<void> {
  const model = createTransformer(architecture, { bindingBytes });
  const layout = createLayout(model.shapes);
  const parameters = Float32Array.from(randomValues("parameters", layout.size, 0.5));
  const tensors = splitFlat(Float64Array.from(parameters), layout);
  const examples = randomExamples(architecture, E, W);
  const indices = Uint32Array.from({ length: E }, (_, e) => e);
  const reference = referenceBatch(architecture, examples, indices);
  const { losses, gradient } = transformerGradient(architecture, tensors, reference);
  const dense = joinFlat(gradient, layout);

  const weights = uploadWeights(model, parameters);
  const batch = model.batch(examples, indices);
  for (const [what, flat] of masksOf(layout)) {
    const { positions, parts } = cutMask(layout, flat);
    const masked = {
      values: zeros([flat.length]),
      positions: tensor(positions, [flat.length], "int32"),
      parts,
    };
    const before = memory().numTensors;
    const lossesOn = model.gradientInto(maskedSink(masked), weights, batch);
    expect(memory().numTensors, "tensors that a step leaves: its losses").toBe(before + 1);
    expectClose("losses", await lossesOn.data(), losses, 5e-6);
    const expected = Float64Array.from(flat, (position) => dense[position]!);
    expectClose(`gradient of ${what}`, await masked.values.data(), expected, 1e-5);
    dispose([lossesOn, masked.values, masked.positions]);
    await compareWritten(model, parameters, flat);
  }
  const scores = model.score(weights, batch);
  const read = await scores.data();
  const perAnswer = transformerLosses(architecture, tensors, reference);
  expectClose("scores", read.subarray(0, perAnswer.length), perAnswer, 5e-6);
  const logits = transformerLogits(architecture, tensors, reference);
  const right = rightAnswers(logits, Array.from(reference.targets));
  expectClose("answers", read.subarray(perAnswer.length), right, 1e-6);
  disposeBatch(batch);
  dispose([scores, ...weights.values()]);
}

/** Every weight that a training has written, in all its blocks, is base + delta on the mask and else the base. */
async function compareWritten(
  model: Model,
  parameters: Float32Array,
  flat: Uint32Array,
): Promise<void> {
  const state = Float32Array.from(randomValues("state", 3 * flat.length));
  const session = openTraining(model, parameters, flat, state);
  const written: number[] = [];
  for (const block of [...session.weights.values()].flat()) written.push(...(await block.data()));
  closeTraining(session);
  const wanted = parameters.slice();
  flat.forEach((position, j) => {
    wanted[position]! += state[j]!;
  });
  expect(Float32Array.from(written)).toEqual(wanted);
}

/** Masks of every kind that the backward pass treats apart: it stops at the lowest masked layer. */
function masksOf({ tensors, size }: Layout): [what: string, flat: Uint32Array][] {
  const inTensors = (name: RegExp) =>
    Uint32Array.from(
      tensors
        .filter((tensor) => name.test(tensor.name))
        .flatMap((tensor) => Array.from({ length: tensor.size }, (_, p) => tensor.offset + p)),
    );
  const masks: [what: string, flat: Uint32Array][] = [
    ["everything", inTensors(/./)],
    ["every seventh", Uint32Array.from({ length: Math.ceil(size / 7) }, (_, j) => 7 * j)],
    ["the last norm alone", inTensors(/^ln_f|^model\.norm|^vit\.layernorm/)],
    ["the last block's way down alone", inTensors(/\.1\..*(c_proj|down_proj|[^n]\.output)/)],
    ["positions alone", inTensors(/^wpe|position_embeddings/)],
  ];
  return masks.filter(([, flat]) => flat.length > 0);
}

/** 1 for each row of logits [R, V] whose first largest is the target, else 0. */
function rightAnswers(logits: Float64Array, targets: readonly number[]): Float64Array {
  const V = logits.length / targets.length;
  return Float64Array.from(targets, (target, r) => {
    const row = logits.subarray(r * V, (r + 1) * V);
    return row.indexOf(Math.max(...row)) === target ? 1 : 0;
  });
}

export function randomExamples(
  { input, head }: TransformerArchitecture,
  count: number,
  windows: number,
): Examples {
  if (input.kind === "tokens") return randomText(input, count, windows);
  const size = input.height * input.width * input.planes;
  const classes = head.kind === "classes" ? head.classes : 1;
  return {
    kind: "images",
    count,
    pixels: Uint8Array.from(randomTokens("pixels", count * size, 256)),
    labels: Uint8Array.from(randomTokens("labels", count, classes)),
  };
}

export function randomText(
  { vocabulary, window }: { readonly vocabulary: number; readonly window: number },
  count: number,
  windows: number,
): TextExamples {
  const length = windows * window + 1;
  const tokens = Uint32Array.from(randomTokens("text", count * length, vocabulary));
  return { kind: "text", count, length, tokens };
}

/** `examples[indices]` as the reference takes them. */
export function referenceBatch(
  architecture: TransformerArchitecture,
  examples: Examples,
  indices: Iterable<number>,
): TransformerBatch {
  const { input } = architecture;
  const chosen = [...indices];
  if (input.kind === "tokens") {
    if (examples.kind !== "text") throw new Error("tokens are text");
    const rows = windowsOf(examples, chosen, input.window);
    return { batch: rows.tokens.length / input.window, ...rows };
  }
  if (examples.kind !== "images") throw new Error("patches are of images");
  const { height, width, planes, patch: side, mean, deviation } = input;
  const values: number[] = [];
  for (const image of chosen) {
    const pixel = (y: number, x: number, plane: number) =>
      examples.pixels[((image * height + y) * width + x) * planes + plane]! / 255;
    for (let top = 0; top < height; top += side) {
      for (let left = 0; left < width; left += side) {
        for (let plane = 0; plane < planes; plane++) {
          for (let p = 0; p < side * side; p++) {
            const value = pixel(top + Math.floor(p / side), left + (p % side), plane);
            values.push((value - mean[plane]!) / deviation[plane]!);
          }
        }
      }
    }
  }
  const targets = chosen.map((image) => examples.labels[image]!);
  return { batch: chosen.length, patches: Float64Array.from(values), targets };
}

/** The windows of `examples[indices]` as the reference takes them: tokens and targets [E·W, T]. */
export function windowsOf(
  { length, tokens: text }: TextExamples,
  indices: Iterable<number>,
  T: number,
): { tokens: number[]; targets: number[] } {
  const tokens: number[] = [];
  const targets: number[] = [];
  for (const example of indices) {
    for (let at = example * length; at + T < (example + 1) * length; at += T) {
      tokens.push(...text.subarray(at, at + T));
      targets.push(...text.subarray(at + 1, at + T + 1));
    }
  }
  return { tokens, targets };
}
