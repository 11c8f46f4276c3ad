import * as z from "zod/mini";
import { positive } from "./primitives.ts";

const above0 = z.number().check(z.gt(0));
/** One number a colour plane. */
const perPlane = z.array(z.number()).check(z.minLength(1), z.maxLength(4));

const tokens = z.strictObject({
  kind: z.literal("tokens"),
  vocabulary: positive,
  /** Most tokens in a row: how far learned positions go, and what scaled rotary ones are made for. */
  context: positive,
  /** Tokens of one example, at most the context: training, scores and the gate take windows of so many. */
  window: positive,
});

const image = z.strictObject({
  kind: z.literal("image"),
  height: positive,
  width: positive,
  /** Colour planes: 3 for RGB, 1 for grey. */
  planes: positive.check(z.maximum(4)),
  /** Side of a square patch; it divides height and width. */
  patch: positive,
  /** A value v of 0…255 enters as (v / 255 − mean) / deviation. */
  mean: perPlane,
  deviation: perPlane.check(z.refine((values) => values.every((value) => value > 0))),
});

/** How rotary angles are stretched beyond the context that a model was first trained with. */
const rotaryScaling = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("linear"), factor: above0 }),
  z.strictObject({
    kind: z.literal("llama3"),
    factor: above0,
    lowFrequencyFactor: above0,
    highFrequencyFactor: above0,
    originalContext: positive,
  }),
  z.strictObject({
    kind: z.literal("yarn"),
    factor: above0,
    originalContext: positive,
    betaFast: above0,
    betaSlow: above0,
    /** Scales queries and keys; 1 + 0.1 · ln(factor) where it is absent. */
    attentionFactor: z.optional(above0),
  }),
]);
export type RotaryScaling = z.infer<typeof rotaryScaling>;

/** One transformer put together from named parts; which tensors it has, and how they lie, follows from `layout`. */
export const transformer = z.strictObject({
  kind: z.literal("transformer"),
  /** Whose names and orientations of tensors the checkpoint has: those of transformers' GPT-2, Llama (and Qwen) or ViT. */
  layout: z.enum(["gpt2", "llama", "vit"]),
  input: z.discriminatedUnion("kind", [tokens, image]),
  layers: positive.check(z.maximum(256)),
  /** Width of the residual stream. */
  channels: positive,
  norm: z.strictObject({ kind: z.enum(["layer", "rms"]), epsilon: above0 }),
  positions: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("learned") }),
    z.strictObject({
      kind: z.literal("rotary"),
      base: above0,
      scaling: z.optional(rotaryScaling),
    }),
  ]),
  attention: z.strictObject({
    heads: positive,
    /** Fewer than `heads`, and a divisor of them, where groups of queries share keys and values. */
    keyValueHeads: positive,
    /** Channels of one head. */
    headChannels: positive,
    causal: z.boolean(),
    /** Of queries, keys and values. */
    inputBias: z.boolean(),
    outputBias: z.boolean(),
    /** An RMS norm over each head's query and key, as Qwen 3 has it. */
    queryKeyNorm: z.boolean(),
  }),
  feedForward: z.strictObject({
    kind: z.enum(["gelu", "gelu-tanh", "swiglu"]),
    channels: positive,
    bias: z.boolean(),
  }),
  head: z.discriminatedUnion("kind", [
    /** The next token; tied to the embedding or a matrix of its own. */
    z.strictObject({ kind: z.literal("tokens"), tied: z.boolean() }),
    /** One of `classes`, from the class token's row or from the mean over all patches, which have no class token then. */
    z.strictObject({
      kind: z.literal("classes"),
      classes: positive,
      pooling: z.enum(["class-token", "mean"]),
    }),
  ]),
});
export type TransformerArchitecture = z.infer<typeof transformer>;

/** What of an architecture's fields do not go together, and where; null if all do. */
export function transformerProblem(
  architecture: TransformerArchitecture,
): { path: string[]; message: string } | null {
  return (
    inputProblem(architecture) ?? attentionProblem(architecture) ?? layoutProblem(architecture)
  );
}

function inputProblem({ input, head, attention }: TransformerArchitecture) {
  if (input.kind === "tokens") {
    if (input.window > input.context) {
      return problem("input.window", `${input.window} is longer than the context ${input.context}`);
    }
    if (head.kind !== "tokens") return problem("head.kind", "classes are of images, not of tokens");
    if (!attention.causal) return problem("attention.causal", "the next token must not be seen");
    return null;
  }
  const { height, width, patch, planes, mean, deviation } = input;
  for (const [side, length] of Object.entries({ height, width })) {
    if (length % patch === 0) continue;
    return problem(`input.${side}`, `patches of ${patch} do not divide ${length} pixels`);
  }
  for (const [name, { length }] of Object.entries({ mean, deviation })) {
    if (length === planes) continue;
    return problem(`input.${name}`, `${length} values for ${planes} colour planes`);
  }
  if (head.kind !== "classes") return problem("head.kind", "an image is not followed by tokens");
  return null;
}

function attentionProblem({ attention, positions }: TransformerArchitecture) {
  const { heads, keyValueHeads, headChannels } = attention;
  if (heads % keyValueHeads !== 0) {
    return problem("attention.keyValueHeads", `${keyValueHeads} do not divide ${heads} heads`);
  }
  if (positions.kind === "rotary" && headChannels % 2 !== 0) {
    return problem("attention.headChannels", `${headChannels} is odd, and rotary needs pairs`);
  }
  return null;
}

/** What transformers' checkpoints of each layout have no tensors for. */
function layoutProblem(architecture: TransformerArchitecture) {
  const { layout, input, channels, norm, positions, attention, feedForward } = architecture;
  const { heads, keyValueHeads, headChannels, queryKeyNorm } = attention;
  const must = (path: string, is: unknown, wanted: unknown) =>
    is === wanted ? null : problem(path, `"${is}", where the layout "${layout}" has "${wanted}"`);
  const inputs = must("input.kind", input.kind, layout === "vit" ? "image" : "tokens");
  if (layout === "llama") return inputs ?? must("positions.kind", positions.kind, "rotary");
  const isGated = feedForward.kind === "swiglu";
  return (
    inputs ??
    must("positions.kind", positions.kind, "learned") ??
    must("norm.kind", norm.kind, "layer") ??
    must("attention.headChannels", headChannels * heads, channels) ??
    must("attention.keyValueHeads", keyValueHeads, heads) ??
    must("attention.queryKeyNorm", queryKeyNorm, false) ??
    (isGated ? problem("feedForward.kind", `"swiglu" has no tensors in "${layout}"`) : null)
  );
}

function problem(at: string, message: string): { path: string[]; message: string } {
  return { path: at.split("."), message };
}
