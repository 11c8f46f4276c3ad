import { modelOf } from "../models/registry.ts";
import type { Architecture } from "../protocol/schemas/recipe.ts";

const F32_BYTES = 4;
const STATE_ROWS = 3; // delta and both moments

/** A tensor that a training puts on the device. */
export type TensorSize = { readonly name: string; readonly sizeBytes: number };

/** The largest tensor that training `architecture` makes, for a mask of `masked` entries and steps of `batch` examples. */
export function largestTensor(
  architecture: Architecture,
  { batch, masked }: { readonly batch: number; readonly masked: number },
): TensorSize {
  const sizes = [
    ...modelOf(architecture).shapes.map(({ name, shape }) => sizeOf(`tensor ${name}`, shape)),
    sizeOf("the optimiser's state", [STATE_ROWS, masked]),
    ...activations(architecture, batch),
  ];
  return sizes.reduce((most, size) => (size.sizeBytes > most.sizeBytes ? size : most));
}

/** The widest of what a step computes for a batch. */
function activations(architecture: Architecture, batch: number): TensorSize[] {
  switch (architecture.kind) {
    case "mlp": {
      const { inputs, hidden, outputs } = architecture;
      const what = `a batch of ${batch} images`;
      return [sizeOf(what, [batch, Math.max(inputs, ...hidden, outputs)])];
    }
    case "gpt": {
      const { context, channels, vocabulary } = architecture;
      const rows = batch * context;
      const what = `a batch of ${batch} × ${context} tokens`;
      return [sizeOf(what, [rows, Math.max(4 * channels, vocabulary)])];
    }
  }
}

function sizeOf(name: string, shape: readonly number[]): TensorSize {
  return { name, sizeBytes: shape.reduce((size, length) => size * length, F32_BYTES) };
}
