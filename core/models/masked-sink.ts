import { reshape, type Tensor } from "@tensorflow/tfjs-core";
import { layerNormWeightTerms, sampledScatterAddInto } from "./gpt-operations.ts";
import type { GradientSink } from "./gradient-sink.ts";
import { type MaskPart, sampledColumnSumsInto, sampledGradientInto } from "./operations.ts";

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
  const columnSums = (name: string, dy: Tensor) => {
    const part = parts.get(name);
    if (part !== undefined) sampledColumnSumsInto(values, dy, positions, part);
  };
  return {
    wants: (prefix) => [...parts.keys()].some((name) => name.startsWith(prefix)),

    linear(name, x, dy, orientation) {
      const part = parts.get(`${name}.weight`);
      if (part !== undefined) {
        sampledGradientInto(values, x, dy, positions, { ...part, orientation });
      }
      columnSums(`${name}.bias`, dy);
    },

    layerNorm(name, x, dy) {
      if (parts.has(`${name}.weight`)) columnSums(`${name}.weight`, layerNormWeightTerms(dy, x));
      columnSums(`${name}.bias`, dy);
    },

    embedding({ tokens, time, dx, normal, dlogits }) {
      const part = parts.get("wte.weight");
      if (part !== undefined) {
        // Tied: the output layer's part, then the embedding's on top of it.
        const asOutput = { ...part, orientation: "out-in" } as const;
        sampledGradientInto(values, normal, dlogits, positions, asOutput);
        sampledScatterAddInto(values, dx, tokens, positions, part);
      }
      // Row r belongs to time r mod T, so a batch's rows add up like those of a bias [T·C].
      const [R = 0, C = 0] = dx.shape;
      columnSums("wpe.weight", reshape(dx, [R / time, time * C]));
    },
  };
}
