import { dispose, softmax, type Tensor, tidy } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import type { Architecture } from "../protocol/schemas/recipe.ts";
import { exampleShapeOf } from "../training/examples.ts";
import { uploadWeights } from "../training/weights.ts";
import { mlpLogits } from "./mlp.ts";
import { disposeBatch } from "./model.ts";
import { modelOf } from "./registry.ts";
import { classLogits } from "./transformer.ts";

export type PredictionTask = {
  /** Of a model that tells classes apart. */
  readonly architecture: Architecture;
  /** Flat parameters [N]. */
  readonly parameters: Float32Array;
  /** One image, values 0…255 [inputs]. */
  readonly pixels: Uint8Array;
};

/** How probable the model takes each class to be [outputs]; their sum is 1. Runs on the backend that is open. */
export async function predictClasses({
  architecture,
  parameters,
  pixels,
}: PredictionTask): Promise<Float32Array> {
  const shape = exampleShapeOf(architecture);
  assert(architecture.kind !== "gpt" && shape.kind === "images", "prediction: no classes");
  assert(pixels.length === shape.inputs, `prediction: ${pixels.length} pixels`);
  const model = modelOf(architecture);
  const weights = uploadWeights(model, parameters);
  const image = { kind: "images", count: 1, pixels, labels: Uint8Array.of(0) } as const;
  const batch = model.batch(image, Uint32Array.of(0));
  const probabilities: Tensor = tidy(() =>
    softmax(
      architecture.kind === "mlp"
        ? mlpLogits(architecture, weights, batch.inputs)
        : classLogits(architecture, weights, batch),
    ),
  );
  try {
    return Float32Array.from(await probabilities.data());
  } finally {
    disposeBatch(batch);
    dispose([...weights.values(), probabilities]);
  }
}
