import { reshape, type Tensor, tidy } from "@tensorflow/tfjs-core";
import type { TransformerArchitecture } from "../protocol/schemas/transformer.ts";
import type { GradientSink } from "./gradient-sink.ts";
import { optionalWeight, type Weights, weightOf } from "./model.ts";
import { linear, linearInputGradient, linearWithResidual } from "./operations.ts";
import {
  type AttentionKind,
  attention,
  attentionGradient,
  type GeluKind,
  gelu,
  geluInputGradient,
  joinHeads,
  type NormKind,
  norm,
  normInputGradient,
  splitHeads,
  swiglu,
  swigluGradient,
} from "./transformer-operations.ts";
import { TENSOR_NAMES } from "./transformer-tensors.ts";

// R rows, C channels, H heads of queries, K of keys and values, D channels of one, F of the feed-forward part

/** One block of a transformer: which, its weights, and how its rows belong together. */
export type BlockPlace = {
  readonly architecture: TransformerArchitecture;
  readonly weights: Weights;
  readonly layer: number;
  /** Rows of one sequence. */
  readonly time: number;
  /** Of rotary positions [time, D]; null for others. */
  readonly angles: Tensor | null;
};

/** What products gave, and the backward pass needs. */
export type HeavyActivations = {
  /** Before the norms of heads [R, H·D] and [R, K·D]; where there are none, absent. */
  readonly query?: Tensor;
  readonly key?: Tensor;
  readonly qkv: Tensor; // [R, (H + 2K)·D]
  readonly logSums: Tensor; // [R, H]
  readonly mixed: Tensor; // [R, H·D]
  readonly middle: Tensor; // [R, C], the residual stream after attention
  readonly gate?: Tensor; // [R, F], of a gated part
  readonly wide: Tensor; // [R, F], before the activation
};

/** What is made from those value by value: cheap to make again. */
export type LightActivations = {
  readonly normal1: Tensor; // [R, C]
  readonly normal2: Tensor; // [R, C]
  readonly active: Tensor; // [R, F]
};

/** The block's result [R, C] for `input` [R, C], with what it computed on the way. */
export function blockForward(
  place: BlockPlace,
  input: Tensor,
): { heavy: HeavyActivations; light: LightActivations; output: Tensor } {
  const { names, project, projectInto, normalise } = toolsOf(place);
  const normal1 = normalise(input, names.norm1);
  const attended = attend(place, normal1);
  const middle = projectInto(input, attended.mixed, names.attentionOutput);
  const normal2 = normalise(middle, names.norm2);
  const wide = project(normal2, names.up);
  const isGated = place.architecture.feedForward.kind === "swiglu";
  const gate = isGated ? { gate: project(normal2, names.gate) } : {};
  const heavy = { ...attended, middle, wide, ...gate };
  const active = activate(place, heavy);
  const output = projectInto(middle, active, names.down);
  return { heavy, light: { normal1, normal2, active }, output };
}

/** What a backward pass needs and was not kept, from `input` [R, C] alone or with what products gave. */
export function remakeActivations(
  place: BlockPlace,
  input: Tensor,
  heavy: HeavyActivations | null,
): { heavy: HeavyActivations; light: LightActivations } {
  if (heavy === null) return tidy(() => activationsOf(blockForward(place, input)));
  const { names, normalise } = toolsOf(place);
  const light = {
    normal1: normalise(input, names.norm1),
    normal2: normalise(heavy.middle, names.norm2),
    active: activate(place, heavy),
  };
  return { heavy, light };
}

function activationsOf({ heavy, light }: ReturnType<typeof blockForward>) {
  return { heavy, light };
}

/** doutput [R, C] → dinput [R, C]; the gradients of the block's weights go to `sink`. */
export function blockGradient(
  place: BlockPlace,
  sink: GradientSink,
  { input, heavy, light }: { input: Tensor; heavy: HeavyActivations; light: LightActivations },
  doutput: Tensor,
): Tensor {
  const { names, prefix, backward, normKind } = toolsOf(place);
  const weight = (name: string) => weightOf(place.weights, `${prefix}${name}.weight`);
  const { middle, gate, wide, mixed, qkv, logSums } = heavy;

  const dactive = backward(sink, names.down, light.active, doutput); // [R, F]
  let dnormal2: Tensor; // [R, C]
  if (gate === undefined) {
    const dwide = geluInputGradient(dactive, wide, geluOf(place));
    dnormal2 = backward(sink, names.up, light.normal2, dwide);
  } else {
    const { dgate, dup } = swigluGradient(dactive, gate, wide);
    dnormal2 = backward(sink, names.up, light.normal2, dup);
    dnormal2 = backward(sink, names.gate, light.normal2, dgate, dnormal2);
  }
  sink.norm(prefix + names.norm2, middle, dnormal2, normKind);
  const dmiddle = normInputGradient(dnormal2, middle, weight(names.norm2), doutput, normKind);

  const dmixed = backward(sink, names.attentionOutput, mixed, dmiddle); // [R, H·D]
  const dqkv = attentionGradient(dmixed, qkv, mixed, logSums, attentionOf(place));
  const dnormal1 =
    typeof names.attention === "string"
      ? backward(sink, names.attention, light.normal1, dqkv)
      : headsGradient(place, sink, names.attention, { heavy, normal1: light.normal1, dqkv });
  sink.norm(prefix + names.norm1, input, dnormal1, normKind);
  return normInputGradient(dnormal1, input, weight(names.norm1), dmiddle, normKind);
}

/** Queries, keys and values of the normalised input [R, C], and what attention makes of them. */
function attend(place: BlockPlace, normal1: Tensor) {
  const { names, project } = toolsOf(place);
  const kind = attentionOf(place);
  if (typeof names.attention === "string") {
    const qkv = project(normal1, names.attention);
    return { qkv, ...attention(qkv, kind) };
  }
  const [query, key, value] = names.attention.map((name) => project(normal1, name));
  const [q, k, v] = [query!, key!, value!]; // three names, three products
  const { headChannels, queryKeyNorm } = place.architecture.attention;
  const options = { time: place.time, headChannels };
  if (!queryKeyNorm) {
    const qkv = joinHeads(q, k, v, place.angles, options);
    return { qkv, ...attention(qkv, kind) };
  }
  const [normalQ, normalK] = [headNorm(place, 0, q), headNorm(place, 1, k)];
  const qkv = joinHeads(normalQ, normalK, v, place.angles, options);
  return { query: q, key: k, qkv, ...attention(qkv, kind) };
}

/** dqkv [R, (H + 2K)·D] → the gradient of the normalised input [R, C]. */
function headsGradient(
  place: BlockPlace,
  sink: GradientSink,
  [queryName, keyName, valueName]: readonly [string, string, string],
  at: { readonly heavy: HeavyActivations; readonly normal1: Tensor; readonly dqkv: Tensor },
): Tensor {
  const { backward } = toolsOf(place);
  const split = splitHeads(at.dqkv, place.angles, attentionOf(place));
  const { query, key } = at.heavy;
  const dq = query === undefined ? split.dq : headNormGradient(place, sink, 0, query, split.dq);
  const dk = key === undefined ? split.dk : headNormGradient(place, sink, 1, key, split.dk);
  let dnormal = backward(sink, queryName, at.normal1, dq);
  dnormal = backward(sink, keyName, at.normal1, dk, dnormal);
  return backward(sink, valueName, at.normal1, split.dv, dnormal);
}

/** The RMS norm of every head's query (0) or key (1): x [R, heads·D] as rows of D. */
function headNorm(place: BlockPlace, which: 0 | 1, x: Tensor): Tensor {
  const { rows, weight, kind } = headNormOf(place, which, x);
  return reshape(norm(rows, weight, null, kind), x.shape);
}

function headNormGradient(
  place: BlockPlace,
  sink: GradientSink,
  which: 0 | 1,
  x: Tensor,
  dy: Tensor,
): Tensor {
  const { name, rows, weight, kind } = headNormOf(place, which, x);
  const dyRows = reshape(dy, rows.shape);
  sink.norm(name, rows, dyRows, kind);
  return reshape(normInputGradient(dyRows, rows, weight, null, kind), x.shape);
}

function headNormOf({ architecture, weights, layer }: BlockPlace, which: 0 | 1, x: Tensor) {
  const { block, parts } = TENSOR_NAMES[architecture.layout];
  const name = block(layer) + parts.headNorms[which];
  const kind: NormKind = { norm: "rms", epsilon: architecture.norm.epsilon };
  const rows = reshape(x, [-1, architecture.attention.headChannels]);
  return { name, rows, weight: weightOf(weights, `${name}.weight`), kind };
}

function activate(place: BlockPlace, { gate, wide }: Pick<HeavyActivations, "gate" | "wide">) {
  return gate === undefined ? gelu(wide, geluOf(place)) : swiglu(gate, wide);
}

function geluOf({ architecture }: BlockPlace): GeluKind {
  return { form: architecture.feedForward.kind === "gelu-tanh" ? "tanh" : "exact" };
}

function attentionOf({ architecture, time }: BlockPlace): AttentionKind {
  const { heads, keyValueHeads, causal } = architecture.attention;
  return { time, heads, keyValueHeads, causal };
}

/** A block's names, and its linear operations and norms by them. */
function toolsOf({ architecture, weights, layer }: BlockPlace) {
  const { block, parts, orientation } = TENSOR_NAMES[architecture.layout];
  const prefix = block(layer);
  const weight = (name: string) => weightOf(weights, `${prefix}${name}.weight`);
  const bias = (name: string) => optionalWeight(weights, `${prefix}${name}.bias`);
  const normKind: NormKind = { norm: architecture.norm.kind, epsilon: architecture.norm.epsilon };
  return {
    names: parts,
    prefix,
    normKind,
    normalise: (x: Tensor, name: string) => norm(x, weight(name), bias(name), normKind),
    project: (x: Tensor, name: string) =>
      linear(x, weight(name), bias(name), { orientation, relu: false }),
    projectInto: (residual: Tensor, x: Tensor, name: string) =>
      linearWithResidual(residual, x, weight(name), bias(name), { orientation }),
    /** The gradient of a linear operation's weights, then that of its input, plus what reached that on other ways. */
    backward: (
      sink: GradientSink,
      name: string,
      x: Tensor,
      dy: Tensor,
      past: Tensor | null = null,
    ) => {
      sink.linear(prefix + name, x, dy, orientation);
      return linearInputGradient(dy, weight(name), null, { orientation, past });
    },
  };
}
