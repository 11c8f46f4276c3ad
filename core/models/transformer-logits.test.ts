import { readFile } from "node:fs/promises";
import { dispose, tensor } from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import {
  LOGIT_CASES,
  LOGIT_TOKENS,
  PIXELS,
  placedParameters,
} from "../../tests/fixtures/logit-cases.ts";
import type { TransformerArchitecture } from "../protocol/schemas/transformer.ts";
import { uploadWeights } from "../training/weights.ts";
import { disposeBatch, type Model } from "./model.ts";
import { classLogits, createTransformer, tokenLogits } from "./transformer.ts";

beforeAll(async () => {
  await openBackend({ prefer: "cpu" });
});

test.each(Object.keys(LOGIT_CASES))(
  "logits of %s equal PyTorch's within 1e-4, on weights that follow from their place",
  async (name) => {
    const file = new URL("../../tests/fixtures/transformer-logits.json", import.meta.url);
    const expected: number[] = JSON.parse(await readFile(file, "utf8"))[name];
    const architecture = LOGIT_CASES[name]!;
    const model = createTransformer(architecture);
    const weights = uploadWeights(model, placedParameters(architecture));
    const logits =
      architecture.input.kind === "tokens"
        ? tokenLogits(architecture, weights, tensor(LOGIT_TOKENS, [6], "int32"), {
            lastOnly: false,
          })
        : imageLogits(architecture, model, weights);
    const values = await logits.data();
    expect(values).toHaveLength(expected.length);
    const worst = expected.reduce((most, e, i) => Math.max(most, Math.abs(values[i]! - e)), 0);
    expect(worst).toBeLessThan(1e-4);
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.1);
    dispose([logits, ...weights.values()]);
  },
);

function imageLogits(
  architecture: TransformerArchitecture,
  model: Model,
  weights: ReturnType<typeof uploadWeights>,
) {
  const examples = { kind: "images", count: 1, pixels: PIXELS, labels: Uint8Array.of(0) } as const;
  const batch = model.batch(examples, Uint32Array.of(0));
  const logits = classLogits(architecture, weights, batch);
  disposeBatch(batch);
  return logits;
}
