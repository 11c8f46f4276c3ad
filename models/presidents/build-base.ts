/**
 * Make base.safetensors: `node models/presidents/build-base.ts`, some twenty minutes of one CPU core.
 * Trains from scratch on Moby Dick alone, so that the community has a new voice to win and an old one to
 * keep. The same bytes every time on the same engine.
 */
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { GptArchitecture } from "../../core/models/gpt-shapes.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { createRandom } from "../../core/random.ts";
import { encodeCheckpointFile } from "../../core/tensors/checkpoint-file.ts";
import type { Layout } from "../../core/tensors/layout.ts";
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

const require = createRequire(import.meta.url);
await openBackend({
  prefer: "cpu",
  wasmFolder: dirname(require.resolve("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm")),
});
const architecture = gptArchitecture();
const layout = layoutOf(architecture);
const examples = await mobyDickTraining();
const heldOut = {
  "Moby Dick": await mobyDickHeldOut(),
  speeches: decodeTextExamples("report", (await presidents.heldOut()).report, architecture),
};
let parameters = initialParameters(architecture, layout);
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

/**
 * As GPT-2 starts: weights N(0, 0.02²), those that write to the residual stream smaller by √(2 · layers),
 * layer norms 1, biases 0. Source: Radford et al. 2019, §2.3.
 */
function initialParameters({ layers }: GptArchitecture, layout: Layout): Float32Array {
  const random = createRandom(SEED);
  const parameters = new Float32Array(layout.size);
  for (const { name, offset, size } of layout.tensors) {
    if (name.endsWith(".bias")) continue;
    const end = offset + size;
    if (/\bln_/.test(name)) {
      parameters.fill(1, offset, end);
      continue;
    }
    const deviation = name.endsWith("c_proj.weight") ? 0.02 / Math.sqrt(2 * layers) : 0.02;
    for (let p = offset; p < end; p++) {
      let sum = -6; // twelve uniforms less 6 have mean 0 and variance 1, without a logarithm
      for (let i = 0; i < 12; i++) sum += random.below(1 << 24) / (1 << 24);
      parameters[p] = sum * deviation;
    }
  }
  return parameters;
}
