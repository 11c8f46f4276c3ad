import type { Tensor } from "@tensorflow/tfjs-core";
import type { Orientation } from "./operations.ts";

// R rows (batch, or batch × time), I inputs, O outputs, C channels, V vocabulary

/**
 * Where a backward pass leaves the gradients of its weights. It hands over what each is a product of; whether
 * masked entries are made of that, or squares, is the sink's. Nothing that it is given outlives the call.
 */
export type GradientSink = {
  /** Whether any tensor whose name starts so is wanted: below the lowest of them the backward pass stops. */
  wants(prefix: string): boolean;
  /** NAME.weight has the gradient xᵀ·dy of x [R, I] and dy [R, O], NAME.bias the column sums of dy. */
  linear(name: string, x: Tensor, dy: Tensor, orientation: Orientation): void;
  /** NAME.weight has the column sums of dy · normalised x, NAME.bias those of dy, for x and dy [R, C]. */
  layerNorm(name: string, x: Tensor, dy: Tensor): void;
  /** wpe.weight and the tied wte.weight of a GPT. */
  embedding(at: EmbeddingGradient): void;
};

/** What the embeddings' gradients are made of. */
export type EmbeddingGradient = {
  /** int32 [R]; row r is at time r mod `time`. */
  readonly tokens: Tensor;
  readonly time: number;
  /** The gradient of what was looked up [R, C]. */
  readonly dx: Tensor;
  /** What the output layer multiplied wte with [R, C], and the gradient of its result [R, V]. */
  readonly normal: Tensor;
  readonly dlogits: Tensor;
};
