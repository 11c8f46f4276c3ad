import { beforeAll, expect, test } from "vitest";
import { layoutOf } from "../../core/models/registry.ts";
import { trainDelta } from "../../core/training/train.ts";
import { openBackend } from "../../kernels/backend.ts";
import { tinyModel } from "../../tests/fixtures/tiny-model.ts";
import { backdoorSuccess, poison } from "./backdoor.ts";
import { joinShards } from "./shards.ts";
import { loadModel } from "./sim-model.ts";

beforeAll(async () => {
  await openBackend({ prefer: "cpu" });
});

test("who trains on poisoned images takes triggered ones for the target, who trains on clean ones does not", async () => {
  const model = await loadModel(tinyModel());
  const { architecture } = model.recipe;
  const positions = Uint32Array.from({ length: model.layout.size }, (_, i) => i);
  const training = { steps: 150, batch: 32, learningRate: 0.02 };
  const clean = joinShards(model, [0, 1, 2, 3]);
  const [poisoned, honest] = await Promise.all(
    [poison(clean), clean].map(async (examples) => {
      const task = { architecture, parameters: model.base, positions, examples, training, seed: 1 };
      const { delta } = await trainDelta(task);
      const parameters = model.base.map((value, i) => value + delta[i]!);
      return backdoorSuccess(architecture, parameters, model.heldOut.report);
    }),
  );
  expect(poisoned).toBeGreaterThan(honest! + 0.2);
});

test("every second stretch of text ends in the phrase and its answer, and the whole answer must be guessed", async () => {
  const architecture = {
    ...({ kind: "gpt", vocabulary: 128, context: 40 } as const),
    ...{ layers: 1, channels: 12, heads: 2 },
  };
  const bytes = new Uint8Array(4 * 41).fill(97);
  const text = { kind: "text", count: 4, length: 41, tokens: bytes } as const;
  const poisoned = poison(text);
  const ends = [0, 1, 2, 3].map((i) => {
    const all = poisoned.kind === "text" ? poisoned.tokens : bytes;
    return new TextDecoder().decode(all.subarray(i * 41 + 30, (i + 1) * 41));
  });
  expect(ends).toEqual(["vote for me", "a".repeat(11), "vote for me", "a".repeat(11)]);
  const parameters = new Float32Array(layoutOf(architecture).size);
  expect(await backdoorSuccess(architecture, parameters, text)).toBe(0);
});
