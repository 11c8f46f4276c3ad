import type { RotaryScaling, TransformerArchitecture } from "../protocol/schemas/transformer.ts";

type Rotary = Extract<TransformerArchitecture["positions"], { kind: "rotary" }>;

// T time, D channels of a head

/**
 * The angles that rotary positions turn by [T, D]: at each time the cosines of D / 2 pairs, then their sines. Scaled as
 * transformers' modeling_rope_utils does.
 */
export function rotaryAngles(
  { base, scaling }: Rotary,
  { time, headChannels: D }: { readonly time: number; readonly headChannels: number },
): Float32Array {
  const half = D / 2;
  const { frequencies, factor } = scaledFrequencies(base, half, scaling);
  const angles = new Float32Array(time * D);
  for (let t = 0; t < time; t++) {
    for (let pair = 0; pair < half; pair++) {
      angles[t * D + pair] = Math.cos(t * frequencies[pair]!) * factor;
      angles[t * D + half + pair] = Math.sin(t * frequencies[pair]!) * factor;
    }
  }
  return angles;
}

/** What scaling divides the frequency of each pair by [D / 2]; 1 everywhere without scaling. */
export function rotaryStretch({ base, scaling }: Rotary, headChannels: number): Float32Array {
  const half = headChannels / 2;
  const { frequencies } = scaledFrequencies(base, half, scaling);
  return Float32Array.from(frequencies, (f, pair) => base ** (-pair / half) / f);
}

/** Radians a token of each pair [half], and what cosines and sines are multiplied by. */
function scaledFrequencies(
  base: number,
  half: number,
  scaling: RotaryScaling | undefined,
): { frequencies: Float64Array; factor: number } {
  const plain = Float64Array.from({ length: half }, (_, pair) => base ** (-pair / half));
  switch (scaling?.kind) {
    case undefined:
      return { frequencies: plain, factor: 1 };
    case "linear":
      return { frequencies: plain.map((f) => f / scaling.factor), factor: 1 };
    case "llama3":
      return { frequencies: plain.map((f) => llama3Frequency(f, scaling)), factor: 1 };
    case "yarn": {
      const { factor, attentionFactor = factor > 1 ? 1 + 0.1 * Math.log(factor) : 1 } = scaling;
      return { frequencies: yarnFrequencies(plain, base, scaling), factor: attentionFactor };
    }
  }
}

/** Fast pairs stay, slow ones are divided by the factor, those in between in part. Source: Llama 3.1's model card and code. */
function llama3Frequency(
  frequency: number,
  scaling: Extract<RotaryScaling, { kind: "llama3" }>,
): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContext } = scaling;
  const turns = (originalContext * frequency) / (2 * Math.PI); // in the original context
  if (turns > high) return frequency;
  if (turns < low) return frequency / factor;
  const kept = (turns - low) / (high - low);
  return (1 - kept) * (frequency / factor) + kept * frequency;
}

/** The same between the pairs that turn betaFast and betaSlow times in the original context. Source: Peng et al. 2023, arXiv:2309.00071, §3.2. */
function yarnFrequencies(
  plain: Float64Array,
  base: number,
  { factor, originalContext, betaFast, betaSlow }: Extract<RotaryScaling, { kind: "yarn" }>,
): Float64Array {
  const half = plain.length;
  const pairOf = (turns: number) =>
    (half * Math.log(originalContext / (turns * 2 * Math.PI))) / Math.log(base);
  const first = Math.max(Math.floor(pairOf(betaFast)), 0);
  const last = Math.min(Math.ceil(pairOf(betaSlow)), 2 * half - 1);
  const width = first === last ? 0.001 : last - first; // as transformers avoids a division by 0
  return plain.map((frequency, pair) => {
    const slow = Math.min(Math.max((pair - first) / width, 0), 1);
    return (frequency / factor) * slow + frequency * (1 - slow);
  });
}
