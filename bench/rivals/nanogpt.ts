/**
 * @genai-fi/nanogpt's own training loop at its nearest model: GPT-2's widths, learned positions and tied embeddings,
 * but RMS norms and no biases, which is less work than ours. f32, no checkpointing, no dropout, AdamW on all weights.
 */
import type { Clock, Contestant, Entry } from "../training/contestant.ts";
import { BATCHES, isGpt, SHAPES } from "../training/shapes.ts";

export async function openNanogpt(
  { shape: name, backend }: Entry,
  clock: Clock,
): Promise<Contestant> {
  const shape = SHAPES[name];
  if (backend !== "webgpu" || !isGpt(shape)) throw new Error(`nanogpt: no ${name} on ${backend}`);
  // It is made for pages: in Node it looks for these two, and then takes Dawn as a browser's WebGPU.
  if (!("document" in globalThis)) Object.assign(globalThis, { window: globalThis, document: {} });
  const { TeachableLLM } = await import("@genai-fi/nanogpt");
  await TeachableLLM.selectBackend("webgpu");
  const { vocabulary, context, layers, channels, heads } = shape.architecture;
  const teachable = TeachableLLM.create("char", {
    modelType: "GenAI_NanoGPT_v1",
    vocabSize: vocabulary,
    blockSize: context,
    nLayer: layers,
    nHead: heads,
    nEmbed: channels,
    mlpFactor: 4,
    useRope: false,
  });
  await new Promise<void>((resolve, reject) => {
    teachable.on("loaded", resolve);
    teachable.on("error", reject);
  });
  const tokens = Uint16Array.from(shape.examples().tokens);
  const options = { method: { type: "pretraining" }, batchSize: shape.batch } as const;
  const datasets = [{ id: "bench", name: "bench" }];
  // An epoch of these tokens is BATCHES steps; a first step through the front door makes trainer and data set.
  const first = { ...options, learningRate: 0.001, maxEpochs: 1 / BATCHES };
  const completed = new Promise<void>((resolve, reject) => {
    teachable.training.on("completed", () => resolve());
    teachable.training.on("error", (_, error) => reject(error));
  });
  const { trainer, trainDataset } = await teachable.training.job(first, [tokens], datasets);
  await completed;
  if (trainDataset === undefined) throw new Error("nanogpt: no data set");
  Object.assign(trainer, { dummyPass: async () => {} }); // compiles before each training: it is compiled
  return {
    async run(steps) {
      // The last step alone is logged and its loss read, as everybody's is.
      const limits = { ...options, epochSteps: steps, maxEpochs: 1, logInterval: 1e9 };
      const from = clock();
      trainer.reset();
      trainer.prepareToTrain(limits);
      await trainer.trainOnDataset(trainDataset, limits);
      const last = trainer.log.at(-1);
      if (last === undefined) throw new Error("nanogpt: nothing logged");
      return { ms: clock() - from, lossNats: last.trainingMetrics.loss };
    },
  };
}
