import { beforeAll, describe, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { openCpu } from "../../kernels/cpu/backend.ts";
import { WASM_FOLDER } from "../../tests/fixtures/wasm-folder.ts";
import { compareGpt, GPT_CASES } from "../../tests/reference/gpt-model.ts";
import { compareGptOperations } from "../../tests/reference/gpt-operations.ts";
import { createGpt } from "./gpt.ts";

describe.each([
  ["javascript", openCpu],
  ["wasm", () => openBackend({ prefer: "cpu", wasmFolder: WASM_FOLDER })],
])("on %s", (_, open) => {
  beforeAll(async () => {
    await open();
  });

  test("every operation of the GPT equals its f64 reference at odd sizes", compareGptOperations);

  test.each(GPT_CASES)(
    "gpt, $what: losses, masked gradients and scores equal the f64 reference",
    compareGpt,
  );
});

test("heads that do not divide the channels are refused with both numbers", () => {
  const architecture = { kind: "gpt", vocabulary: 4, context: 2, layers: 1, channels: 6 } as const;
  expect(() => createGpt({ ...architecture, heads: 4 })).toThrow(
    "recipe: 4 heads do not divide 6 channels",
  );
});
