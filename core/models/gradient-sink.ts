import type { Tensor } from "@tensorflow/tfjs-core";
import type { Orientation } from "./operations.ts";
import type { RowBlock } from "./row-blocks.ts";
import type { NormKind } from "./transformer-operations.ts";

// R rows (batch, or batch × time), I inputs, O outputs, C channels, V vocabulary

/**
 * Where a backward pass leaves the gradients of its weights. It hands over what each is a product of; whether
 * masked entries are made of that, or squares, is the sink's. Nothing that it is given outlives the backward pass.
 */
export type GradientSink = {
  /** Whether any tensor whose name starts so is wanted: below the lowest of them the backward pass stops. */
  wants(prefix: string): boolean;
  /**
   * Null where `output` takes rows in parts, each with all columns of dy. Squares do not add up as gradients do: there it takes
   * all rows at once, and of dy [R, V] each of these strips of columns.
   */
  stripsOf(name: string): readonly RowBlock[] | null;
  /** NAME.weight has the gradient xᵀ·dy of x [R, I] and dy [R, O], NAME.bias, where there is one, the column sums of dy. */
  linear(name: string, x: Tensor, dy: Tensor, orientation: Orientation): void;
  /** NAME.weight has the column sums of dy · normalised x, NAME.bias those of dy, for x and dy [R, C]. */
  norm(name: string, x: Tensor, dy: Tensor, norm: NormKind): void;
  /** The tensor NAME, no ".weight" behind it, has the column sums of dy [R, size]. */
  offset(name: string, dy: Tensor): void;
  /**
   * An output layer over a vocabulary, in parts of the rows: each adds dyᵀ·x to NAME.weight [V, C]. Where it is tied to an
   * embedding, `lookup` follows with the same name.
   */
  output(
    name: string,
    at: OutputGradient,
    part: { readonly isFirst: boolean; readonly isTied: boolean },
  ): void;
  /** Row v of NAME.weight [V, C] has the sum of dx [R, C] over the rows whose token is v, and what a tied output layer gave. */
  lookup(name: string, at: LookupGradient): void;
};

/** What an output layer multiplied with [rows, C], and the gradient of its result [rows, V]: whole, or its strips. */
export type OutputGradient = { readonly x: Tensor; readonly dy: readonly Tensor[] };

export type LookupGradient = {
  /** int32 [R] */
  readonly tokens: Tensor;
  /** [R, C] */
  readonly dx: Tensor;
  /** Null where the output layer is not tied; else what `output` was given, if that were all rows. */
  readonly tied: OutputGradient | "given" | null;
};
