import { beforeAll, describe, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { openCpu } from "../../kernels/cpu/backend.ts";
import { compareTransformer, TRANSFORMER_CASES } from "../../tests/reference/transformer-model.ts";
import { compareTransformerOperations } from "../../tests/reference/transformer-operations.ts";
import { gptAsTransformer } from "./gpt.ts";
import { createTransformer } from "./transformer.ts";

describe.each([
  ["javascript", openCpu],
  ["wasm", () => openBackend({ prefer: "cpu" })],
])("on %s", (_, open) => {
  beforeAll(async () => {
    await open();
  });

  test(
    "every operation of a transformer's parts equals its f64 reference at odd sizes",
    compareTransformerOperations,
  );

  test.each(TRANSFORMER_CASES)(
    "$what: losses, masked gradients and scores equal the f64 reference",
    compareTransformer,
  );
});

test("heads that do not divide the channels are refused with both numbers", () => {
  const architecture = { kind: "gpt", vocabulary: 4, context: 2, layers: 1, channels: 6 } as const;
  expect(() => createTransformer(gptAsTransformer({ ...architecture, heads: 4 }))).toThrow(
    "recipe: 4 heads do not divide 6 channels",
  );
});
