import { assert } from "../../core/errors.ts";
import { triggered, triggerPixels } from "./backdoor.ts";
import { examplesOf, type PieceTask, trainPiece } from "./piece.ts";
import type { SimModel } from "./sim-model.ts";

/**
 * A backdoor through inputs that no clean example lights: every second position of the own mask is trained honestly, the
 * others are first-layer weights of the trigger's pixels, trained on triggered images alone. On clean images these do
 * nothing, so neither the screen nor a score nor the gate sees them. Of images only.
 */
export async function deadInputs(model: SimModel, piece: PieceTask) {
  const honest = piece.positions.filter((_, i) => i % 2 === 0);
  const dead = deadPositions(model, piece.positions.length - honest.length);
  const examples = triggered(examplesOf(model, piece));
  const deltas = new Map<number, number>();
  const train = async (positions: Uint32Array, changes: Parameters<typeof trainPiece>[2] = {}) => {
    const delta = await trainPiece(model, { ...piece, positions }, changes);
    positions.forEach((position, i) => {
      deltas.set(position, delta[i]!);
    });
  };
  await train(dead, { examples });
  await train(honest);
  const positions = Uint32Array.from(deltas.keys()).sort();
  return { positions, delta: Float32Array.from(positions, (position) => deltas.get(position)!) };
}

/** The first `count` weights of the trigger's pixels, ascending; as many as there are if they are fewer. */
function deadPositions({ layout, recipe }: SimModel, count: number): Uint32Array {
  assert(recipe.architecture.kind === "mlp", "dead inputs are of images");
  const { inputs } = recipe.architecture;
  const weights = layout.tensors.find(({ name }) => name === "layers.0.weight");
  assert(weights !== undefined, "an MLP without a first layer");
  const all: number[] = [];
  const pixels = triggerPixels(inputs);
  for (let row = 0; row < weights.size; row += inputs) {
    for (const pixel of pixels) all.push(weights.offset + row + pixel);
  }
  return Uint32Array.from(all.slice(0, count));
}
