import { dispose, type Tensor } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import type { TensorShape } from "../tensors/layout.ts";
import type { Examples } from "../training/examples.ts";
import type { GradientSink } from "./gradient-sink.ts";
import type { RowBlock } from "./row-blocks.ts";

/** The weights in use, by tensor name: each one tensor, or a vocabulary's table in blocks of its rows. */
export type Weights = ReadonlyMap<string, Tensor[]>;

/** What one step looks at, on the device. The caller disposes it. */
export type Batch = {
  /** Images: pixels [batch, inputs] in 0…1. Text: int32 tokens [batch, windows, time]. */
  readonly inputs: Tensor;
  /** int32: classes [batch], or the tokens that follow [batch × windows × time]. */
  readonly targets: Tensor;
  /** f32, one a target: what its loss weighs in the step's. An example weighs as much as another; of it, what counts does. */
  readonly weights: Tensor;
};

/** One architecture with its sizes: pure functions over tensors, in operations that `kernels/` provides. */
export type Model = {
  readonly shapes: readonly TensorShape[];
  /** Names of the output layer's tensors. */
  readonly outputs: readonly string[];
  /**
   * How the rows of one of `shapes` are cut on the device. Only a vocabulary's table is, so that no block is larger than a
   * binding; nor is a matrix of `width` rows of the block's length.
   */
  blocksOf(tensor: TensorShape, width?: number): readonly RowBlock[];
  /** The widest tensor that a step of `batch` examples computes, named for people: "a batch of 8 × 64 tokens". */
  widest(batch: number): TensorShape;
  /**
   * `examples` as the ones that a gradient is taken of, in the same order: a unit of text of several windows is as many of
   * them, with the same mean loss, because all windows are equally long. Images are that already.
   */
  windows(examples: Examples): Examples;
  /** Put `examples[indices]` on the device. */
  batch(examples: Examples, indices: Uint32Array): Batch;
  /**
   * Forward and backward: give the gradient of the loss, Σ weight · loss, to `sink` and return the losses in nats,
   * one per example or token. Whatever else it makes dies inside.
   */
  gradientInto(sink: GradientSink, weights: Weights, batch: Batch): Tensor;
  /** How many of `examples` that should take at most: bounded memory, as it keeps every layer's activations. */
  gradientBatch(examples: Examples): number;
  /** How many of `examples` a forward pass should take at most: bounded memory, and enough rows to fill a device. */
  scoreBatch(examples: Examples): number;
  /**
   * [2, answers of the batch], one answer an image or a token, an example's in a row: the loss in nats, then 1
   * where the answer is right.
   */
  score(weights: Weights, batch: Batch): Tensor;
};

export function disposeBatch({ inputs, targets, weights }: Batch): void {
  dispose([inputs, targets, weights]);
}

/** The tensor with that name, which the model's shapes promise. */
export function weightOf(weights: Weights, name: string): Tensor {
  const weight = optionalWeight(weights, name);
  assert(weight !== null, `no weight "${name}"`);
  return weight;
}

/** The tensor with that name; null where the model has none. */
export function optionalWeight(weights: Weights, name: string): Tensor | null {
  const blocks = weights.get(name);
  if (blocks === undefined) return null;
  assert(blocks.length === 1, `weight "${name}" lies in ${blocks.length} blocks`);
  return blocks[0]!;
}

/** The blocks of rows of a vocabulary's table. */
export function tableOf(weights: Weights, name: string): readonly Tensor[] {
  const blocks = weights.get(name);
  assert(blocks !== undefined, `no table "${name}"`);
  return blocks;
}
