import { dispose, tensor, zeros } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import { maskedSink } from "../models/masked-sink.ts";
import { disposeBatch } from "../models/model.ts";
import { modelOf } from "../models/registry.ts";
import type { Architecture } from "../protocol/schemas/recipe.ts";
import { createLayout } from "../tensors/layout.ts";
import { inOrder } from "./batches.ts";
import type { Examples } from "./examples.ts";
import { cutMask } from "./mask-parts.ts";
import { uploadWeights } from "./weights.ts";

/**
 * The gradient [k] of the mean loss over all of `examples` at the mask's `positions` [k], flat and strictly ascending;
 * an example's loss is the mean over its windows' tokens. Runs on the backend that is open, in batches;
 * the same input on the same device gives the same bytes.
 */
export async function maskedGradient(
  {
    architecture,
    parameters,
    positions,
    examples,
  }: {
    readonly architecture: Architecture;
    /** Flat parameters [N]. */
    readonly parameters: Float32Array;
    readonly positions: Uint32Array;
    readonly examples: Examples;
  },
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Float32Array> {
  const k = positions.length;
  assert(k > 0 && examples.count > 0, "no gradient of nothing");
  const model = modelOf(architecture);
  const windows = model.windows(examples);
  const mask = cutMask(createLayout(model.shapes), positions);
  const weights = uploadWeights(model, parameters);
  const onDevice = tensor(mask.positions, [k], "int32");
  const sums = new Float64Array(k); // of each batch's mean times its share of all windows
  try {
    for (const indices of inOrder(windows.count, model.gradientBatch(windows))) {
      signal?.throwIfAborted();
      const batch = model.batch(windows, indices);
      const values = zeros([k]);
      const sink = maskedSink({ values, positions: onDevice, parts: mask.parts });
      const losses = model.gradientInto(sink, weights, batch);
      try {
        const share = indices.length / windows.count;
        (await values.data()).forEach((value, j) => {
          sums[j]! += share * value;
        });
      } finally {
        disposeBatch(batch);
        dispose([values, losses]);
      }
    }
    return Float32Array.from(sums);
  } finally {
    dispose([...weights.values(), onDevice]);
  }
}
