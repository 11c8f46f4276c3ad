import { dispose, memory, tensor, zeros } from "@tensorflow/tfjs-core";
import { expect } from "vitest";
import { createGpt } from "../../core/models/gpt.ts";
import type { GptArchitecture } from "../../core/models/gpt-shapes.ts";
import { maskedSink } from "../../core/models/masked-sink.ts";
import { gptForward, gptLosses } from "../../core/models/reference/gpt.ts";
import { gptGradient } from "../../core/models/reference/gpt-backward.ts";
import { joinFlat, splitFlat } from "../../core/models/reference/tensors.ts";
import { createLayout, type Layout } from "../../core/tensors/layout.ts";
import { cutMask } from "../../core/training/mask-parts.ts";
import type { TextExamples } from "../../core/training/text-examples.ts";
import { uploadWeights } from "../../core/training/weights.ts";
import { expectClose, randomTokens, randomValues } from "./finite-differences.ts";

// E examples, W windows of each, T time

const SMALL = {
  kind: "gpt",
  vocabulary: 19,
  context: 6,
  layers: 2,
  channels: 10,
  heads: 2,
} as const;

/** Small and odd GPTs, each with how many examples of how many windows it is compared on. */
export const GPT_CASES: readonly {
  readonly what: string;
  readonly architecture: GptArchitecture;
  readonly examples: number;
  readonly windows: number;
}[] = [
  { what: "two layers", architecture: SMALL, examples: 3, windows: 1 },
  { what: "context 1, batch 1", architecture: { ...SMALL, context: 1 }, examples: 1, windows: 1 },
  {
    what: "vocabulary 256 and 7 channels",
    architecture: { ...SMALL, vocabulary: 256, channels: 7, heads: 1, layers: 1 },
    examples: 2,
    windows: 2,
  },
];

/** Compare losses, masked gradients and scores on the open backend with the f64 reference. */
export async function compareGpt({
  architecture,
  examples: E,
  windows: W,
}: (typeof GPT_CASES)[number]): Promise<void> {
  const model = createGpt(architecture);
  const layout = createLayout(model.shapes);
  const parameters = Float32Array.from(randomValues("parameters", layout.size, 0.5));
  const tensors = splitFlat(Float64Array.from(parameters), layout);
  const examples = randomText(architecture, E, W);
  const indices = Uint32Array.from({ length: E }, (_, e) => e);
  const rows = windowsOf(examples, indices, architecture.context);
  const { losses, gradient } = gptGradient(architecture, tensors, { batch: E * W, ...rows });
  const dense = joinFlat(gradient, layout);

  const weights = uploadWeights(model, parameters);
  const batch = model.batch(
    examples,
    Uint32Array.from({ length: E }, (_, e) => e),
  );
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
    expectClose(`gradient of ${what}`, await masked.values.data(), expected, 5e-6);
    dispose([lossesOn, masked.values, masked.positions]);
  }
  const scores = model.score(weights, batch);
  const read = await scores.data();
  const perToken = gptLosses(architecture, tensors, { batch: E * W, ...rows });
  expectClose("scores", read.subarray(0, perToken.length), perToken, 5e-6);
  const { logits } = gptForward(architecture, tensors, { batch: E * W, ...rows });
  const right = rightAnswers(logits, rows.targets);
  expectClose("answers", read.subarray(perToken.length), right, 1e-6);
  dispose([scores, batch.inputs, batch.targets, ...weights.values()]);
}

/** Masks of every kind that the backward pass treats apart: it stops at the lowest masked layer. */
function masksOf({ tensors, size }: Layout): [what: string, flat: Uint32Array][] {
  const inTensors = (name: RegExp) =>
    Uint32Array.from(
      tensors
        .filter((tensor) => name.test(tensor.name))
        .flatMap((tensor) => Array.from({ length: tensor.size }, (_, p) => tensor.offset + p)),
    );
  return [
    ["everything", inTensors(/./)],
    ["every seventh", Uint32Array.from({ length: Math.ceil(size / 7) }, (_, j) => 7 * j)],
    ["the last norm alone", inTensors(/^ln_f/)],
    ["the last block's MLP alone", inTensors(/^h\.[1-9].*mlp|^h\.0\.mlp\.c_proj/)],
    ["positions alone", inTensors(/^wpe/)],
  ];
}

/** 1 for each row of logits [R, V] whose first largest is the target, else 0. */
function rightAnswers(logits: Float64Array, targets: readonly number[]): Float64Array {
  const V = logits.length / targets.length;
  return Float64Array.from(targets, (target, r) => {
    const row = logits.subarray(r * V, (r + 1) * V);
    return row.indexOf(Math.max(...row)) === target ? 1 : 0;
  });
}

export function randomText(
  { vocabulary, context }: GptArchitecture,
  count: number,
  windows: number,
): TextExamples {
  const length = windows * context + 1;
  const bytes = Uint8Array.from(randomTokens("text", count * length, vocabulary));
  return { kind: "text", count, length, bytes };
}

/** The windows of `examples[indices]` as the reference takes them: tokens and targets [E·W, T]. */
export function windowsOf(
  { length, bytes }: TextExamples,
  indices: Iterable<number>,
  T: number,
): { tokens: number[]; targets: number[] } {
  const tokens: number[] = [];
  const targets: number[] = [];
  for (const example of indices) {
    for (let at = example * length; at + T < (example + 1) * length; at += T) {
      tokens.push(...bytes.subarray(at, at + T));
      targets.push(...bytes.subarray(at + 1, at + T + 1));
    }
  }
  return { tokens, targets };
}
