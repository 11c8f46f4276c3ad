import { dispose, reshape, type Tensor, tensor, tidy } from "@tensorflow/tfjs-core";
import { FormatError } from "../errors.ts";
import {
  type TransformerArchitecture,
  transformerProblem,
} from "../protocol/schemas/transformer.ts";
import type { Examples } from "../training/examples.ts";
import type { GradientSink } from "./gradient-sink.ts";
import { type Batch, type Model, optionalWeight, type Weights, weightOf } from "./model.ts";
import { rotaryAngles } from "./rotary.ts";
import { MAX_BINDING_BYTES, rowBlocks } from "./row-blocks.ts";
import {
  type BlockPlace,
  blockForward,
  blockGradient,
  type HeavyActivations,
  type LightActivations,
  remakeActivations,
} from "./transformer-block.ts";
import { headGradient, headLogits, headRows, scoreHead } from "./transformer-head.ts";
import { embedBatch, embeddingGradient, exampleBatch, windowsOf } from "./transformer-input.ts";
import { type NormKind, norm, normInputGradient } from "./transformer-operations.ts";
import { sequenceLength, TENSOR_NAMES, transformerShapes } from "./transformer-tensors.ts";

// B sequences (windows or images), T time, R = B·T rows, C channels

const SCORE_ROWS = 4096; // of a forward pass: 128 channels are 25 MB for the widest block
const KEEP_BYTES = 256 * 2 ** 20; // of activations that a step keeps; of more, it makes the cheap ones again,
const KEEP_HEAVY_BYTES = 512 * 2 ** 20; // and of more than that, whole blocks: a third more work

/**
 * A transformer put together from the parts that `architecture` names; a table of more than `bindingBytes` lies in blocks.
 * Throws a FormatError where the parts do not go together.
 */
export function createTransformer(
  architecture: TransformerArchitecture,
  { bindingBytes = MAX_BINDING_BYTES }: { readonly bindingBytes?: number } = {},
): Model {
  const problem = transformerProblem(architecture);
  if (problem !== null) {
    throw new FormatError(`recipe: architecture.${problem.path.join(".")}: ${problem.message}`);
  }
  const { layers, layout, head, input } = architecture;
  const names = TENSOR_NAMES[layout];
  const time = sequenceLength(architecture);
  const isTied = head.kind === "tokens" && head.tied;
  const output = isTied ? names.embedding : names.head;
  const tables = [`${names.embedding}.weight`, `${names.head}.weight`];
  const gradientRows = Math.floor(SCORE_ROWS / layers);
  /** How many examples have so many rows; at least one. */
  const examplesOf = (rows: number, examples: Examples) => {
    const each = examples.kind === "text" ? examples.length - 1 : time;
    return Math.max(1, Math.floor(rows / each));
  };
  return {
    shapes: transformerShapes(architecture),
    outputs:
      head.kind === "classes" ? [`${output}.weight`, `${output}.bias`] : [`${output}.weight`],
    blocksOf: ({ name, shape: [rows = 1] }, width = 0) => {
      const isTable = input.kind === "tokens" && tables.includes(name);
      const most = Math.floor(bindingBytes / 4 / Math.max(architecture.channels, width));
      return rowBlocks(rows, isTable ? most : rows);
    },
    widest: (batch) => ({
      name: `a batch of ${batch} × ${time} ${input.kind === "tokens" ? "tokens" : "patches"}`,
      shape: widestOf(architecture, batch * time),
    }),
    windows: (examples) => windowsOf(architecture, examples),
    batch: (examples, indices) => exampleBatch(architecture, examples, indices),
    gradientInto: (sink, weights, batch) =>
      tidy(() => gradientInto(architecture, sink, weights, batch)),
    gradientBatch: (examples) => examplesOf(gradientRows, examples),
    scoreBatch: (examples) => examplesOf(SCORE_ROWS, examples),
    score: (weights, batch) =>
      tidy(() => scoreHead(architecture, weights, hidden(architecture, weights, batch), batch)),
  };
}

/** The logits [rows, V] of `tokens` [T] int32, of their last row alone or of all. */
export function tokenLogits(
  architecture: TransformerArchitecture,
  weights: Weights,
  tokens: Tensor,
  { lastOnly }: { readonly lastOnly: boolean },
): Tensor {
  return tidy(() => {
    const normal = hidden(architecture, weights, { inputs: reshape(tokens, [1, 1, -1]) });
    return headLogits(architecture, weights, normal, { lastOnly });
  });
}

/** The logits [B, classes] of a batch of images. */
export function classLogits(
  architecture: TransformerArchitecture,
  weights: Weights,
  { inputs }: Pick<Batch, "inputs">,
): Tensor {
  return tidy(() => {
    const normal = hidden(architecture, weights, { inputs });
    return headLogits(architecture, weights, normal, { lastOnly: false });
  });
}

/** The normalised rows [R, C] before the head; one block's activations at a time are in memory. */
function hidden(
  architecture: TransformerArchitecture,
  weights: Weights,
  { inputs }: Pick<Batch, "inputs">,
): Tensor {
  const { stream: first, time } = embedBatch(architecture, weights, inputs);
  const angles = anglesOf(architecture, time);
  let stream = first;
  for (let layer = 0; layer < architecture.layers; layer++) {
    const before = stream;
    const place = { architecture, weights, layer, time, angles };
    stream = tidy(() => blockForward(place, before).output);
    before.dispose();
  }
  return lastNorm(architecture, weights).apply(stream);
}

/** What one block leaves for the backward pass: as much as there is room for. */
type Kept = {
  readonly input: Tensor;
  readonly heavy: HeavyActivations | null;
  readonly light: LightActivations | null;
};

/** Forward and backward: gives the gradient of the loss to `sink`, returns the losses in nats, [R] or [B]. */
function gradientInto(
  architecture: TransformerArchitecture,
  sink: GradientSink,
  weights: Weights,
  batch: Batch,
): Tensor {
  const { stream: first, time } = embedBatch(architecture, weights, batch.inputs);
  const angles = anglesOf(architecture, time);
  const placeOf = (layer: number): BlockPlace => ({ architecture, weights, layer, time, angles });
  const lowest = lowestWantedLayer(architecture, sink);
  const keeps = whatFits(architecture, first.shape[0]!);
  const kept: Kept[] = [];
  let stream = first;
  for (let layer = 0; layer < architecture.layers; layer++) {
    const input = stream;
    const level = layer < lowest ? "inputs" : keeps;
    const made = tidy(() => {
      const { heavy, light, output } = blockForward(placeOf(layer), input);
      if (level === "all") return { heavy, light, output };
      return level === "heavy" ? { heavy, output } : { output };
    });
    stream = made.output;
    kept.push({ input, heavy: made.heavy ?? null, light: made.light ?? null });
  }

  const { name, kind, weight, apply } = lastNorm(architecture, weights);
  const { losses, dnormal, tied } = headGradient(architecture, sink, weights, apply(stream), batch);
  sink.norm(name, stream, dnormal, kind);
  let dstream = normInputGradient(dnormal, stream, weight, null, kind);
  for (let layer = architecture.layers - 1; layer >= lowest; layer--) {
    const { input, heavy, light } = kept[layer]!;
    const doutput = dstream;
    dstream = tidy(() => {
      const place = placeOf(layer);
      const at =
        heavy !== null && light !== null
          ? { heavy, light }
          : remakeActivations(place, input, heavy);
      return blockGradient(place, sink, { input, ...at }, doutput);
    });
    dispose([input, doutput, ...Object.values(heavy ?? {}), ...Object.values(light ?? {})]);
  }
  embeddingGradient(architecture, sink, batch, { dx: dstream, tied, isReached: lowest === 0 });
  return losses;
}

function lastNorm({ layout, norm: { kind, epsilon } }: TransformerArchitecture, weights: Weights) {
  const name = TENSOR_NAMES[layout].lastNorm;
  const weight = weightOf(weights, `${name}.weight`);
  const bias = optionalWeight(weights, `${name}.bias`);
  const normKind: NormKind = { norm: kind, epsilon };
  return { name, weight, kind: normKind, apply: (x: Tensor) => norm(x, weight, bias, normKind) };
}

function anglesOf({ positions, attention }: TransformerArchitecture, time: number): Tensor | null {
  if (positions.kind === "learned") return null;
  const { headChannels } = attention;
  return tensor(rotaryAngles(positions, { time, headChannels }), [time, headChannels]);
}

/** The backward pass stops here: nothing below, and nothing of the embedding, is wanted. */
function lowestWantedLayer(
  { layout, layers }: TransformerArchitecture,
  sink: GradientSink,
): number {
  const { embedding, positions, classToken, block } = TENSOR_NAMES[layout];
  if ([`${embedding}.`, positions, classToken].some((name) => sink.wants(name))) return 0;
  let layer = 0;
  while (layer < layers && !sink.wants(block(layer))) layer++;
  return layer;
}

/** What a step of `rows` rows keeps of every block's activations. */
function whatFits(
  { layers, channels: C, attention, feedForward }: TransformerArchitecture,
  rows: number,
): "all" | "heavy" | "inputs" {
  const { heads, keyValueHeads, headChannels: D, queryKeyNorm } = attention;
  const F = feedForward.channels;
  const joined = (heads + 2 * keyValueHeads) * D;
  const normed = queryKeyNorm ? (heads + keyValueHeads) * D : 0;
  const wide = feedForward.kind === "swiglu" ? 2 * F : F;
  const heavy = 4 * rows * layers * (2 * C + joined + normed + heads * (D + 1) + wide);
  const light = 4 * rows * layers * (2 * C + F);
  if (heavy + light <= KEEP_BYTES) return "all";
  return heavy <= KEEP_HEAVY_BYTES ? "heavy" : "inputs";
}

function widestOf(architecture: TransformerArchitecture, rows: number): [number, number] {
  const { channels, attention, feedForward, head, input } = architecture;
  const { heads, keyValueHeads, headChannels } = attention;
  const joined = (heads + 2 * keyValueHeads) * headChannels;
  const block = Math.max(channels, feedForward.channels, joined);
  if (head.kind === "classes" || input.kind !== "tokens") return [rows, block];
  const atOnce = Math.min(rows, headRows(input.vocabulary));
  return rows * block > atOnce * input.vocabulary ? [rows, block] : [atOnce, input.vocabulary];
}
