import * as z from "zod/mini";
import { positive } from "../../core/protocol/schemas/primitives.ts";
import type {
  RotaryScaling,
  TransformerArchitecture,
} from "../../core/protocol/schemas/transformer.ts";
import { problemAt } from "../problem.ts";

const above0 = z.number().check(z.gt(0));

const scalingFields = z.looseObject({
  rope_theta: z.optional(above0),
  rope_type: z.optional(z.string()),
  /** What `rope_type` was called before. */
  type: z.optional(z.string()),
  factor: z.optional(z.nullable(above0)),
  original_max_position_embeddings: z.optional(positive),
  low_freq_factor: z.optional(above0),
  high_freq_factor: z.optional(above0),
  beta_fast: z.optional(z.nullable(above0)),
  beta_slow: z.optional(z.nullable(above0)),
  attention_factor: z.optional(z.nullable(above0)),
  partial_rotary_factor: z.optional(z.literal(1)),
});

/** Of a config.json: today's transformers write `rope_parameters`, those before the two others. */
export const rotaryFields = {
  rope_theta: z.optional(above0),
  rope_scaling: z.optional(z.nullable(scalingFields)),
  rope_parameters: z.optional(z.nullable(scalingFields)),
  partial_rotary_factor: z.optional(z.literal(1)),
};

type Fields = {
  readonly rope_theta?: number | undefined;
  readonly rope_scaling?: Scaling | null | undefined;
  readonly rope_parameters?: Scaling | null | undefined;
};
type Scaling = z.infer<typeof scalingFields>;

const BASE = 10_000; // of all classes, where a config names none

/** Rotary positions as a config says. Throws an InputProblem for a scaling that is not known, or lacks a number. */
export function rotaryOf(
  place: { readonly file: string },
  { rope_theta, rope_scaling, rope_parameters }: Fields,
  context: number,
): Extract<TransformerArchitecture["positions"], { kind: "rotary" }> {
  const given = rope_parameters ?? rope_scaling ?? {};
  const base = given.rope_theta ?? rope_theta ?? BASE;
  const scaling = scalingOf(place, given, context);
  return { kind: "rotary", base, ...(scaling !== null && { scaling }) };
}

function scalingOf(
  { file }: { readonly file: string },
  given: Scaling,
  context: number,
): RotaryScaling | null {
  const type = given.rope_type ?? given.type ?? "default";
  const need = (field: "factor" | "low_freq_factor" | "high_freq_factor") => {
    const value = given[field];
    if (value !== undefined && value !== null) return value;
    throw problemAt({ file }, `positions of type "${type}" need ${field}`);
  };
  const originalContext = given.original_max_position_embeddings ?? context;
  switch (type) {
    case "default":
      return null;
    case "linear":
      return { kind: "linear", factor: need("factor") };
    case "llama3":
      return {
        kind: "llama3",
        factor: need("factor"),
        lowFrequencyFactor: need("low_freq_factor"),
        highFrequencyFactor: need("high_freq_factor"),
        originalContext,
      };
    case "yarn": {
      const { attention_factor: attentionFactor } = given;
      return {
        kind: "yarn",
        factor: need("factor"),
        originalContext,
        betaFast: given.beta_fast ?? 32,
        betaSlow: given.beta_slow ?? 1,
        ...(typeof attentionFactor === "number" && { attentionFactor }),
      };
    }
    default:
      throw problemAt(
        { file },
        `positions of type "${type.slice(0, 60)}", and known here are default, linear, llama3, yarn`,
      );
  }
}
