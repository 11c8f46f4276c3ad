import { randomPositions } from "../../core/patch/random-mask.ts";
import type { Layout } from "../../core/tensors/layout.ts";
import type { ContestantName } from "./contestant.ts";

const SEED = "00000000000000000000000000000001";

/** The mask [k] that a contestant of ours trains in; a rival trains all N. */
export function maskOf(layout: Layout, contestant: ContestantName): Uint32Array {
  switch (contestant) {
    case "sparse 0.5%":
      return randomMask(0.005, layout.size);
    case "sparse 2%":
      return randomMask(0.02, layout.size);
    case "sparse band":
      return bandMask(0.005, layout);
    default:
      return Uint32Array.from({ length: layout.size }, (_, position) => position);
  }
}

function randomMask(density: number, size: number): Uint32Array {
  return randomPositions(SEED, Math.round(density * size), size);
}

/** As many entries as `density` of all, drawn from the tensors of the upper half of the layers. */
function bandMask(density: number, { tensors, size }: Layout): Uint32Array {
  const layers = 1 + Math.max(...tensors.map(({ name }) => layerOf(name) ?? 0));
  const band = tensors.filter(({ name }) => (layerOf(name) ?? -1) >= layers / 2);
  const bandSize = band.reduce((sum, tensor) => sum + tensor.size, 0);
  const drawn = randomPositions(SEED, Math.round(density * size), bandSize);
  let at = 0;
  let before = 0; // entries of the band's tensors before this one
  return drawn.map((position) => {
    while (position >= before + band[at]!.size) before += band[at++]!.size;
    return band[at]!.offset + position - before;
  });
}

/** "h.2.ln_1.bias" and "layers.2.weight" lie in layer 2, an embedding in none. */
function layerOf(tensor: string): number | null {
  const layer = /^(?:h|layers)\.(\d+)\./.exec(tensor)?.[1];
  return layer === undefined ? null : Number(layer);
}
