import { expect, test } from "vitest";
import { largestTensor } from "./footprint.ts";

const mlp = { kind: "mlp", inputs: 784, hidden: [256], outputs: 10 } as const;
const gpt = {
  kind: "gpt",
  vocabulary: 257,
  context: 64,
  layers: 2,
  channels: 32,
  heads: 4,
} as const;

test.each([
  [mlp, 8, 100, "tensor layers.0.weight", 784 * 256],
  [mlp, 96, 203_530, "the optimiser's state", 3 * 203_530],
  [mlp, 1_000, 100, "a batch of 1000 images", 1_000 * 784],
  [gpt, 8, 100, "a batch of 8 × 64 tokens", 8 * 64 * 257],
  [{ ...gpt, vocabulary: 50_257 }, 1, 100, "a batch of 1 × 64 tokens", 64 * 50_257],
  [
    { ...gpt, vocabulary: 50_257, channels: 768, heads: 12, context: 256 },
    1,
    100,
    "a block of tensor wte.weight",
    25_129 * 768,
  ],
  [{ ...gpt, channels: 512, context: 16 }, 1, 100, "tensor h.0.mlp.c_fc.weight", 512 * 2048],
])(
  "the largest tensor of %o at batch %d and %d entries is %s",
  (architecture, batch, masked, name, values) => {
    const shape = { ...architecture, hidden: [256] };
    expect(largestTensor(shape, { batch, masked })).toEqual({ name, sizeBytes: 4 * values });
  },
);
