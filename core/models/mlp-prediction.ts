import { dispose, softmax, type Tensor, tensor, tidy } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import { uploadWeights } from "../training/weights.ts";
import { createMlp, type MlpArchitecture, mlpLogits } from "./mlp.ts";

export type PredictionTask = {
  readonly architecture: MlpArchitecture;
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
  const { inputs } = architecture;
  assert(pixels.length === inputs, `prediction: ${pixels.length} pixels, not ${inputs}`);
  const weights = uploadWeights(createMlp(architecture), parameters);
  const probabilities: Tensor = tidy(() => {
    const image = tensor(
      Float32Array.from(pixels, (value) => value / 255),
      [1, inputs],
    );
    return softmax(mlpLogits(architecture, weights, image));
  });
  try {
    return Float32Array.from(await probabilities.data());
  } finally {
    dispose([...weights.values(), probabilities]);
  }
}
