import type { Tensor } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import { sampledEmbeddingInto, sampledNormInto } from "./gpt-operations.ts";
import type { GradientSink } from "./gradient-sink.ts";
import { type MaskPair, type MaskPart, sampledLinearInto } from "./operations.ts";

/** The gradient of a mask's k entries. */
export type MaskedGradient = {
  /** [k] */
  readonly values: Tensor;
  /** Where each entry lies inside its tensor: [k] int32. */
  readonly positions: Tensor;
  /** The entries in each tensor, by name; a tensor without masked entries is absent. */
  readonly parts: ReadonlyMap<string, MaskPart>;
};

/** A sink that computes the masked entries alone, each as one dot product over the rows, into `values`. */
export function maskedSink({ values, positions, parts }: MaskedGradient): GradientSink {
  return {
    wants: (prefix) => [...parts.keys()].some((name) => name.startsWith(prefix)),

    linear(name, x, dy, orientation) {
      const pair = pairOf(parts, `${name}.bias`, `${name}.weight`);
      if (pair !== null) sampledLinearInto(values, x, dy, positions, { ...pair, orientation });
    },

    layerNorm(name, x, dy) {
      const pair = pairOf(parts, `${name}.bias`, `${name}.weight`);
      if (pair !== null) sampledNormInto(values, x, dy, positions, pair);
    },

    embedding(at) {
      const pair = pairOf(parts, "wpe.weight", "wte.weight");
      if (pair !== null) sampledEmbeddingInto(values, at, positions, pair);
    },
  };
}

/** The entries in two tensors that no other one's name comes between; null if there are none. */
function pairOf(
  parts: MaskedGradient["parts"],
  firstName: string,
  secondName: string,
): MaskPair | null {
  const [first, second] = [parts.get(firstName), parts.get(secondName)];
  const start = first?.start ?? second?.start;
  if (start === undefined) return null;
  const count = first?.count ?? 0;
  assert(second === undefined || second.start === start + count, `"${secondName}" elsewhere`);
  return { start, first: count, second: second?.count ?? 0 };
}
