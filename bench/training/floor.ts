import type { GptArchitecture } from "../../core/models/gpt.ts";
import type { MlpArchitecture } from "../../core/models/mlp.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { type ContestantName, isSparse } from "./contestant.ts";
import { maskOf } from "./mask.ts";
import { isGpt, type Shape } from "./shapes.ts";

const F32 = 4;
const ADAM_WORDS = 6; // delta and two moments, read and written
const ADAM_OPERATIONS = 12; // a weight

/** What a step cannot do without, whoever takes it. */
export type Floor = {
  /** Additions and multiplications. */
  readonly operations: number;
  /** To and from memory: each weight once a pass, each activation written once and read once. */
  readonly bytes: number;
};

/** The floor of a step of `contestant`; a rival's is that of a dense step. */
export function floorOf(shape: Shape, contestant: ContestantName): Floor {
  const layout = layoutOf(shape.architecture);
  const isBand = contestant === "sparse band";
  const work = isGpt(shape)
    ? gptWork(shape.architecture, shape.batch, isBand)
    : mlpWork(shape.architecture, shape.batch, isBand);
  const { forward, backward, rows, activations } = work;
  const masked = isSparse(contestant) ? maskOf(layout, contestant).length : layout.size;
  const readWeights = layout.size * (1 + backward / forward);
  return {
    operations: forward + backward + 2 * rows * masked + ADAM_OPERATIONS * masked,
    bytes: F32 * (readWeights + 2 * activations + ADAM_WORDS * masked),
  };
}

type Work = {
  readonly forward: number;
  /** The gradients of inputs, without those of weights. */
  readonly backward: number;
  /** A weight's gradient is a sum over so many rows. */
  readonly rows: number;
  /** How many values the forward pass keeps or hands on. */
  readonly activations: number;
};

function gptWork(
  { layers, channels: C, context: T, vocabulary: V }: GptArchitecture,
  batch: number,
  isBand: boolean,
): Work {
  const R = batch * T;
  const layersBack = isBand ? Math.floor(layers / 2) : layers;
  const products = 24 * C * C * R; // a layer's four, in one direction
  const attention = 2 * C * T * R; // the causal half of scores and mixing; its gradient is 2.5 times that
  const unembedding = 2 * C * V * R;
  return {
    forward: layers * (products + attention) + unembedding,
    backward: layersBack * (products + 2.5 * attention) + unembedding,
    rows: R,
    activations: R * (16 * C * layers + 2 * C + 2 * V),
  };
}

function mlpWork({ inputs, hidden, outputs }: MlpArchitecture, B: number, isBand: boolean): Work {
  const widths = [inputs, ...hidden, outputs];
  const products = widths.slice(1).map((width, layer) => 2 * B * width * widths[layer]!);
  const lowest = isBand ? Math.ceil(products.length / 2) : 0;
  return {
    forward: sum(products),
    backward: sum(products.slice(lowest + 1)), // nobody needs the gradient of the lowest layer's input
    rows: B,
    activations: B * sum(widths),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
