import type { Recipe } from "../../core/protocol/schemas/recipe.ts";

const VALUE_BITS = 4.3; // a 4-bit value and its share of the scales
const HEADER_BYTES = 1_000;

/** About how many bytes a patch of a model with so many `parameters` has. */
export function estimatePatchBytes({ mask }: Pick<Recipe, "mask">, parameters: number): number {
  const { density, kind } = mask;
  const bits = VALUE_BITS + (kind === "own" ? positionBits(density) : 0);
  return Math.round((parameters * density * bits) / 8) + HEADER_BYTES;
}

/** The entropy of a mask for each of its positions; the code for them comes within a hundredth of it. */
function positionBits(density: number): number {
  if (density === 1) return 0;
  return -Math.log2(density) - ((1 - density) / density) * Math.log2(1 - density);
}
