/**
 * Make base.safetensors: `node models/presidents/build-base.ts`, some twenty minutes of one CPU core.
 * Trains from scratch on Moby Dick alone, so that the community has a new voice to win and an old one to
 * keep. The same bytes every time on the same engine.
 */
import { writeFile } from "node:fs/promises";
import { initialParameters } from "../../core/models/initial-parameters.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { createRandom } from "../../core/random.ts";
import { encodeCheckpointFile } from "../../core/tensors/checkpoint-file.ts";
import { evaluate } from "../../core/training/evaluate.ts";
import { decodeTextExamples, type TextExamples } from "../../core/training/text-examples.ts";
import { trainDelta } from "../../core/training/train.ts";
import { openBackend } from "../../kernels/backend.ts";
import { gptArchitecture, mobyDickHeldOut, mobyDickTraining, presidents } from "./data.ts";

const SEED = 1;
/** Each stage starts AdamW anew; 5,000 × 4 × 128 bytes are what is not held out of the book, read twice and a half. */
const STAGES = [
  { steps: 2800, batch: 4, learningRate: 0.0015 },
  { steps: 1400, batch: 4, learningRate: 0.0007 },
  { steps: 800, batch: 4, learningRate: 0.00025 },
];

await openBackend({
  prefer: "cpu",
});
const architecture = gptArchitecture();
const layout = layoutOf(architecture);
const examples = await mobyDickTraining();
const heldOut = {
  "Moby Dick": await mobyDickHeldOut(),
  speeches: decodeTextExamples("report", (await presidents.heldOut()).report, {
    vocabulary: architecture.vocabulary,
    window: architecture.context,
  }),
};
let parameters = initialParameters(architecture, layout, createRandom(SEED));
for (const [stage, training] of STAGES.entries()) {
  const { delta } = await trainDelta(
    {
      architecture,
      parameters,
      positions: Uint32Array.from(parameters, (_, position) => position), // every parameter: dense training
      examples,
      training,
      seed: SEED + stage,
    },
    {
      onStep: ({ step, lossNats }) => {
        if (lossNats !== null)
          console.log(`stage ${stage} step ${step}: ${lossNats.toFixed(3)} nats`);
      },
    },
  );
  parameters = parameters.map((value, position) => value + delta[position]!);
  await writeFile(
    new URL("base.safetensors", import.meta.url),
    encodeCheckpointFile(layout, parameters, {}),
  );
}
for (const [name, set] of Object.entries(heldOut)) {
  console.log(`${name}: ${(await bitsPerByte(set)).toFixed(3)} bits per byte`);
}

async function bitsPerByte(set: TextExamples): Promise<number> {
  const { losses } = await evaluate({ architecture, parameters, examples: set });
  return losses.reduce((a, b) => a + b, 0) / losses.length / Math.LN2;
}
