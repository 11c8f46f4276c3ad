import { dispose, memory, type Tensor, tensor, zeros } from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { gpt2, llama } from "../../tests/fixtures/known-transformers.ts";
import {
  expectClose,
  randomTokens,
  randomValues,
} from "../../tests/reference/finite-differences.ts";
import { randomExamples, referenceBatch } from "../../tests/reference/transformer-model.ts";
import { createLayout } from "../tensors/layout.ts";
import { everyPosition } from "../tensors/values-at.ts";
import { evaluate } from "../training/evaluate.ts";
import { estimateFisher } from "../training/fisher.ts";
import { cutMask } from "../training/mask-parts.ts";
import type { TextExamples } from "../training/text-examples.ts";
import { uploadWeights } from "../training/weights.ts";
import { maskedSink } from "./masked-sink.ts";
import { disposeBatch } from "./model.ts";
import { joinFlat, splitFlat } from "./reference/tensors.ts";
import { transformerGradient, transformerLosses } from "./reference/transformer.ts";
import { createTransformer } from "./transformer.ts";
import { blockForward, remakeActivations } from "./transformer-block.ts";
import { headRows } from "./transformer-head.ts";

beforeAll(async () => {
  await openBackend({ prefer: "cpu" });
});

test("logits that do not fit at once are made in parts, with the gradient of all", async () => {
  const vocabulary = 2 ** 19;
  const window = headRows(vocabulary) + 3;
  const sizes = { vocabulary, context: window, layers: 1, channels: 2, heads: 1 };
  const architecture = gpt2(sizes);
  const model = createTransformer(architecture);
  const layout = createLayout(model.shapes);
  const parameters = Float32Array.from(randomValues("parameters", layout.size, 0.5));
  const examples = randomExamples(architecture, 1, 1);
  const positions = Uint32Array.from({ length: 5000 }, (_, j) =>
    Math.floor((j * layout.size) / 5000),
  );
  const mask = cutMask(layout, positions);
  const values = zeros([positions.length]);
  const onDevice = tensor(mask.positions, [positions.length], "int32");
  const weights = uploadWeights(model, parameters);
  const batch = model.batch(examples, Uint32Array.of(0));
  const before = memory().numTensors;
  const sink = maskedSink({ values, positions: onDevice, parts: mask.parts });
  const losses = model.gradientInto(sink, weights, batch);
  expect(memory().numTensors).toBe(before + 1);

  const tensors = splitFlat(Float64Array.from(parameters), layout);
  const reference = transformerGradient(
    architecture,
    tensors,
    referenceBatch(architecture, examples, [0]),
  );
  const dense = joinFlat(reference.gradient, layout);
  expectClose("losses", await losses.data(), reference.losses, 5e-6);
  const wanted = Float64Array.from(positions, (position) => dense[position]!);
  expectClose("gradient", await values.data(), wanted, 1e-5);
  const fisher = await estimateFisher({ architecture, parameters, examples }); // of one window: its squares
  expectClose(
    "Fisher, squares of a gradient",
    fisher,
    dense.map((value) => value * value),
    4e-5,
  );
  const { losses: means } = await evaluate({ architecture, parameters, examples });
  const mean = reference.losses.reduce((sum, loss) => sum + loss, 0) / window;
  expect(means[0]).toBeCloseTo(mean, 5);
  disposeBatch(batch);
  dispose([values, onDevice, losses, ...weights.values()]);
}, 30_000); // half a million logits a row, also in f64

test.each([
  ["GPT-2", gpt2({ vocabulary: 7, context: 5, layers: 1, channels: 6, heads: 2 })],
  [
    "Qwen 3",
    llama(
      { vocabulary: 7, context: 5, layers: 1, channels: 6, heads: 2, headChannels: 4, wide: 9 },
      { queryKeyNorm: true },
    ),
  ],
])("what a step of %s did not keep is made again, bit for bit", async (_, architecture) => {
  const model = createTransformer(architecture);
  const { size } = createLayout(model.shapes);
  const weights = uploadWeights(model, Float32Array.from(randomValues("parameters", size)));
  const input = tensor(Float32Array.from(randomValues("input", 10 * 6)), [10, 6]);
  const place = { architecture, weights, layer: 0, time: 5, angles: null };
  const { heavy, light } = blockForward(place, input);
  for (const kept of [heavy, null]) {
    const again = remakeActivations(place, input, kept);
    for (const [part, made] of [
      [heavy, again.heavy],
      [light, again.light],
    ] as const) {
      for (const [name, wanted] of Object.entries(part) as [string, Tensor][]) {
        const given = (made as Record<string, Tensor>)[name]!;
        expect(await given.data(), name).toEqual(await wanted.data());
      }
    }
  }
});

test("only the targets that count are learnt and scored, an example as much as another", async () => {
  const architecture = llama({
    vocabulary: 9,
    context: 6,
    layers: 1,
    channels: 4,
    heads: 2,
    wide: 5,
  });
  const model = createTransformer(architecture);
  const layout = createLayout(model.shapes);
  const parameters = Float32Array.from(randomValues("parameters", layout.size, 0.7));
  const examples: TextExamples = {
    kind: "text",
    count: 2,
    length: 7,
    tokens: Uint16Array.from(randomTokens("tokens", 14, 9)),
    counted: Uint8Array.of(0, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0),
  };
  const tensors = splitFlat(Float64Array.from(parameters), layout);
  const weighted = Float64Array.of(0, 0, 0, 1 / 6, 1 / 6, 1 / 6, 0, 1 / 2, 0, 0, 0, 0);
  const batchOf = { ...referenceBatch(architecture, examples, [0, 1]), weights: weighted };
  const { gradient } = transformerGradient(architecture, tensors, batchOf);
  const mask = cutMask(layout, everyPosition(layout.size));
  const values = zeros([layout.size]);
  const onDevice = tensor(mask.positions, [layout.size], "int32");
  const weights = uploadWeights(model, parameters);
  const batch = model.batch(examples, Uint32Array.of(0, 1));
  const sink = maskedSink({ values, positions: onDevice, parts: mask.parts });
  model.gradientInto(sink, weights, batch).dispose();
  expectClose("gradient", await values.data(), joinFlat(gradient, layout), 1e-5);

  const all = transformerLosses(architecture, tensors, batchOf);
  const { losses, answers } = await evaluate({ architecture, parameters, examples });
  expectClose("losses", losses, [(all[3]! + all[4]! + all[5]!) / 3, all[7]!], 1e-5);
  for (const uncounted of [0, 1, 2, 6, 8, 9, 10, 11]) expect(answers[uncounted]).toBe(0);
  disposeBatch(batch);
  dispose([values, onDevice, ...weights.values()]);
});
