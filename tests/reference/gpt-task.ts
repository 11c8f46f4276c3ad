import { type GptArchitecture, gptAsTransformer } from "../../core/models/gpt.ts";
import { startAdamW, stepAdamW } from "../../core/models/reference/adamw.ts";
import { joinFlat, splitFlat } from "../../core/models/reference/tensors.ts";
import { transformerGradient } from "../../core/models/reference/transformer.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { seededBatches } from "../../core/training/batches.ts";
import type { TextExamples } from "../../core/training/text-examples.ts";
import type { TrainingTask } from "../../core/training/train.ts";
import { randomTokens, randomValues } from "./finite-differences.ts";
import { windowsOf } from "./transformer-model.ts";

const ADAMW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 }; // as core/training sets it

type GptTask = TrainingTask & {
  readonly architecture: GptArchitecture;
  readonly examples: TextExamples;
};

const ARCHITECTURE: GptArchitecture = {
  kind: "gpt",
  vocabulary: 64,
  context: 15,
  layers: 2,
  channels: 21,
  heads: 3,
};

/** Twenty steps of a small GPT from a plausible start on a text with something to learn. */
export function gptTask(density = 0.1): GptTask {
  const layout = layoutOf(ARCHITECTURE);
  const parameters = Float32Array.from(randomValues("base", layout.size, 0.1));
  for (const { name, offset, size } of layout.tensors) {
    if (/\bln_.*weight$/.test(name)) parameters.fill(1, offset, offset + size);
  }
  const length = ARCHITECTURE.context + 1;
  const count = 30;
  const noise = randomTokens("text", count * length, 3);
  return {
    architecture: ARCHITECTURE,
    parameters,
    positions: Uint32Array.from({ length: Math.floor(layout.size * density) }, (_, entry) =>
      Math.floor(entry / density),
    ),
    examples: {
      kind: "text",
      count,
      length,
      tokens: Uint8Array.from(noise, (value, at) => (at * 5 + value) % ARCHITECTURE.vocabulary),
    },
    training: { steps: 20, batch: 5, learningRate: 0.005 },
    seed: 5,
  };
}

/** The same ticket in f64: the dense gradient cut to the mask → delta [k]. */
export function trainGptReference(task: GptTask): Float64Array {
  const { architecture, positions, examples, training, seed } = task;
  const layout = layoutOf(architecture);
  const base = Float64Array.from(positions, (position) => task.parameters[position]!);
  const batches = seededBatches(seed, examples.count, training.batch);
  let state = startAdamW(positions.length);
  for (let step = 0; step < training.steps; step++) {
    const flat = Float64Array.from(task.parameters);
    positions.forEach((position, j) => {
      flat[position] = base[j]! + state.delta[j]!;
    });
    const rows = windowsOf(examples, batches.next().value, architecture.context);
    const batch = { batch: training.batch, ...rows };
    const { gradient } = transformerGradient(
      gptAsTransformer(architecture),
      splitFlat(flat, layout),
      batch,
    );
    const dense = joinFlat(gradient, layout);
    const masked = Float64Array.from(positions, (position) => dense[position]!);
    state = stepAdamW(state, base, masked, { learningRate: training.learningRate, ...ADAMW });
  }
  return state.delta;
}
