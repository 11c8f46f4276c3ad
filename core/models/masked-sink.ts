import type { Tensor } from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import type { GradientSink } from "./gradient-sink.ts";
import { type MaskPair, type MaskPart, sampledLinearInto } from "./operations.ts";
import { sampledLookupInto, sampledNormInto } from "./transformer-operations.ts";

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
    stripsOf: () => null,

    linear(name, x, dy, orientation) {
      const pair = pairOf(parts, `${name}.bias`, `${name}.weight`);
      const options = { orientation, adds: false };
      if (pair !== null) sampledLinearInto(values, x, dy, positions, { ...pair, ...options });
    },

    norm(name, x, dy, norm) {
      const pair = pairOf(parts, `${name}.bias`, `${name}.weight`);
      if (pair !== null) sampledNormInto(values, x, dy, positions, { ...pair, ...norm });
    },

    offset(name, dy) {
      const part = parts.get(name);
      if (part === undefined) return;
      const pair = { start: part.start, first: part.count, second: 0 }; // as if it were a bias
      const options = { orientation: "out-in", adds: false } as const;
      sampledLinearInto(values, dy, dy, positions, { ...pair, ...options });
    },

    output(name, { x, dy: [dy] }, { isFirst }) {
      const part = parts.get(`${name}.weight`);
      if (part === undefined || dy === undefined) return;
      const pair = { start: part.start, first: 0, second: part.count };
      const options = { orientation: "out-in", adds: !isFirst } as const;
      sampledLinearInto(values, x, dy, positions, { ...pair, ...options });
    },

    lookup(name, { tokens, dx, tied }) {
      const part = parts.get(`${name}.weight`);
      if (part === undefined) return;
      sampledLookupInto(values, tokens, dx, positions, { ...part, adds: tied !== null });
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
