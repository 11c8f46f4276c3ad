import { readFile } from "node:fs/promises";
import type { ModelSource, SourceShard } from "../../core/models/model-source.ts";
import { parseValue } from "../../core/protocol/canonical-json.ts";
import { recipe as recipeSchema } from "../../core/protocol/schemas/recipe.ts";
import { createRandom } from "../../core/random.ts";
import {
  encodeImageExamples,
  type ImageExamples,
  sliceImageExamples,
} from "../../core/training/image-examples.ts";
import { readMnist } from "./idx.ts";
import recipeJson from "./recipe.json" with { type: "json" };

export const SHARD_EXAMPLES = 600;
export const SHARDS = 100; // 60,000 training images

const recipe = parseValue("models/digits/recipe.json", recipeSchema, recipeJson);

/** `digits` as it is shipped: MNIST's training images in shards, its test images held out. */
export const digits: ModelSource = {
  recipe,
  base: async () => new Uint8Array(await readFile(new URL("base.safetensors", import.meta.url))),
  shardCount: SHARDS,
  shards,
  heldOut: async () => {
    const test = await shuffledMnist("t10k");
    const { score, gate, report } = recipe.data.heldOut;
    return {
      score: encodeImageExamples(sliceImageExamples(test, 0, score)),
      gate: encodeImageExamples(sliceImageExamples(test, score, score + gate)),
      report: encodeImageExamples(sliceImageExamples(test, score + gate, score + gate + report)),
    };
  },
};

async function* shards(): AsyncGenerator<SourceShard> {
  const train = await shuffledMnist("train");
  for (let first = 0; first < SHARDS * SHARD_EXAMPLES; first += SHARD_EXAMPLES) {
    yield {
      title: `Digits ${first + 1}–${first + SHARD_EXAMPLES}`,
      examples: SHARD_EXAMPLES,
      bytes: encodeImageExamples(sliceImageExamples(train, first, first + SHARD_EXAMPLES)),
    };
  }
}

/**
 * The images in a fixed random order, so that every shard and held-out set is alike: the first half of
 * MNIST's test images is easier than the second.
 */
export async function shuffledMnist(part: "train" | "t10k"): Promise<ImageExamples> {
  const { count, pixels, labels } = await readMnist(part);
  const width = pixels.length / count;
  const random = createRandom(`digits ${part}`);
  const order = Uint32Array.from({ length: count }, (_, image) => image);
  for (let last = count - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  const shuffled = new Uint8Array(pixels.length);
  order.forEach((from, to) => {
    shuffled.set(pixels.subarray(from * width, (from + 1) * width), to * width);
  });
  return {
    kind: "images",
    count,
    pixels: shuffled,
    labels: Uint8Array.from(order, (from) => labels[from]!),
  };
}
