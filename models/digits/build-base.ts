/**
 * Make base.safetensors: `node models/digits/build-base.ts`. Trains from scratch on the first two
 * shards alone, so that the community has something to win. The same bytes every time on the same engine.
 */
import { writeFile } from "node:fs/promises";
import { assert } from "../../core/errors.ts";
import { initialParameters } from "../../core/models/initial-parameters.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { createRandom } from "../../core/random.ts";
import { encodeCheckpointFile } from "../../core/tensors/checkpoint-file.ts";
import { sliceImageExamples } from "../../core/training/image-examples.ts";
import { trainDelta } from "../../core/training/train.ts";
import { openBackend } from "../../kernels/backend.ts";
import { digits, SHARD_EXAMPLES, shuffledMnist } from "./data.ts";

const SEED = 1;
const EXAMPLES = 2 * SHARD_EXAMPLES;
const TRAINING = { steps: 100, batch: 60, learningRate: 0.001 }; // five rounds of them: 85–92% on the test images

await openBackend({
  prefer: "cpu",
});
const { architecture } = digits.recipe;
assert(architecture.kind === "mlp", "digits is an MLP");
const layout = layoutOf(architecture);
const parameters = initialParameters(architecture, layout, createRandom(SEED));
const { delta } = await trainDelta({
  architecture,
  parameters,
  positions: Uint32Array.from(parameters, (_, position) => position), // every parameter: dense training
  examples: sliceImageExamples(await shuffledMnist("train"), 0, EXAMPLES),
  training: TRAINING,
  seed: SEED,
});
const base = parameters.map((value, position) => value + delta[position]!);
const file = encodeCheckpointFile(layout, base, {});
await writeFile(new URL("base.safetensors", import.meta.url), file);
console.log(`base.safetensors: ${layout.size} parameters, ${file.length} bytes`);
