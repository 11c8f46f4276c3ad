import { dispose } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import { disposeBatch, type Model, tableOf, type Weights } from "../models/model.ts";
import { modelOf } from "../models/registry.ts";
import { squaredSink } from "../models/squared-sink.ts";
import type { Architecture } from "../protocol/schemas/recipe.ts";
import { createLayout, type Layout } from "../tensors/layout.ts";
import { inOrder } from "./batches.ts";
import type { Examples } from "./examples.ts";
import { uploadWeights } from "./weights.ts";

/** How many examples are done of how many; a unit of several windows counts as that many. */
export type FisherProgress = { readonly done: number; readonly of: number };

/**
 * The empirical Fisher's diagonal [N]: the mean over `examples` of the squared gradient of each one's own loss. An
 * image is an example, and so is a window of text. Runs on the backend that is open, in batches; the same
 * input on the same device gives the same bytes. Source: Sung, Nair & Raffel 2021, arXiv:2111.09839, §3.1.
 */
export async function estimateFisher(
  { architecture, ...on }: FisherOf & { readonly architecture: Architecture },
  options: FisherOptions = {},
): Promise<Float32Array> {
  return estimateModelFisher(modelOf(architecture), on, options);
}

type FisherOf = {
  /** Flat parameters [N]. */
  readonly parameters: Float32Array;
  readonly examples: Examples;
};

type FisherOptions = {
  readonly signal?: AbortSignal;
  /** Awaited after every batch: pausing and yielding are the caller's. */
  readonly onProgress?: (progress: FisherProgress) => void | Promise<void>;
};

/** The same of a model that was made already. */
export async function estimateModelFisher(
  model: Model,
  { parameters, examples }: FisherOf,
  { signal, onProgress }: FisherOptions = {},
): Promise<Float32Array> {
  assert(examples.count > 0, "no Fisher of nothing");
  const windows = model.windows(examples);
  const weights = uploadWeights(model, parameters);
  const batchLength = model.gradientBatch(windows);
  const sums = uploadWeights(
    model,
    new Float32Array(parameters.length),
    widthOf(windows, batchLength),
  );
  let done = 0;
  try {
    for (const indices of inOrder(windows.count, batchLength)) {
      signal?.throwIfAborted();
      const batch = model.batch(windows, indices);
      const length = indices.length;
      // The batch's loss is a mean, so an example's own gradient is `length` times what the sink is given.
      const scale = length ** 2 / windows.count;
      const losses = model.gradientInto(
        squaredSink(sums, { examples: length, scale }),
        weights,
        batch,
      );
      try {
        await losses.data(); // so that no more than one batch is in flight
      } finally {
        disposeBatch(batch);
        losses.dispose();
      }
      done += length;
      await onProgress?.({ done, of: windows.count });
    }
    signal?.throwIfAborted();
    return await readFlat(sums, createLayout(model.shapes));
  } finally {
    dispose([...weights.values(), ...sums.values()]);
  }
}

/** Tensors by name, put together in layout order → [N]. */
async function readFlat(tensors: Weights, layout: Layout): Promise<Float32Array> {
  const flat = new Float32Array(layout.size);
  for (const { name, offset } of layout.tensors) {
    let at = offset;
    for (const block of tableOf(tensors, name)) {
      flat.set(await block.data(), at);
      at += block.size;
    }
  }
  return flat;
}

/** The rows of the widest product that squares are made of: those of a batch twice, where an output layer is tied. */
function widthOf(windows: Examples, batchLength: number): number {
  const each = windows.kind === "text" ? windows.length - 1 : 1;
  return 2 * each * Math.min(batchLength, windows.count);
}
