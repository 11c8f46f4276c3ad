import { expect, test } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import type { MlpArchitecture } from "../../core/models/mlp.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { decodeCheckpointFile } from "../../core/tensors/checkpoint-file.ts";
import { accuracy, evaluate } from "../../core/training/evaluate.ts";
import { decodeImageExamples } from "../../core/training/image-examples.ts";
import { openBackend } from "../../kernels/backend.ts";
import { digits, SHARD_EXAMPLES } from "./data.ts";

const { recipe } = digits;
const architecture = recipe.architecture as MlpArchitecture; // recipe.json says so

test("the base has the architecture's layout and answers 85–92% of the report set right", async () => {
  await openBackend({ prefer: "cpu" });
  const file = await digits.base();
  expect(file.length).toBeLessThan(4 << 20);
  const parameters = decodeCheckpointFile("base", file, layoutOf(architecture));
  const { report } = await digits.heldOut();
  const examples = decodeImageExamples("report", report, architecture);
  const { correct } = await evaluate({ architecture, parameters, examples });
  expect(accuracy(correct)).toBeGreaterThan(0.85);
  expect(accuracy(correct)).toBeLessThan(0.92);
});

test("60,000 images in 100 shards, each image in one", async () => {
  const seen = new Set<string>();
  const counts = new Array<number>(10).fill(0);
  let shards = 0;
  for await (const { title, examples, bytes } of digits.shards()) {
    const decoded = decodeImageExamples(title, bytes, architecture);
    expect(decoded.count).toBe(examples);
    expect(title).toBe(`Digits ${shards * 600 + 1}–${shards * 600 + 600}`);
    for (const label of decoded.labels) counts[label]!++;
    seen.add(await sha256(bytes));
    shards++;
  }
  expect(shards).toBe(digits.shardCount);
  expect(seen.size).toBe(shards);
  expect(counts).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]); // MNIST's
});

test("the held-out sets are as large as the recipe says, and apart", async () => {
  const sets = Object.entries(await digits.heldOut()).map(([name, bytes]) => ({
    name,
    ...decodeImageExamples(name, bytes, architecture),
  }));
  expect(Object.fromEntries(sets.map(({ name, count }) => [name, count]))).toEqual(
    recipe.data.heldOut,
  );
  const images = new Set<string>();
  for (const { count, pixels } of sets) {
    for (let image = 0; image < count; image++) {
      images.add(Buffer.from(pixels.subarray(image * 784, image * 784 + 784)).toString("latin1"));
    }
  }
  expect(images.size).toBe(10_000);
});

test("a ticket goes through its shards twice", () => {
  const { steps, batch } = recipe.training;
  expect(steps * batch).toBe(2 * recipe.data.shardsPerTicket * SHARD_EXAMPLES);
});
