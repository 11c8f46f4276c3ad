import { modelOf } from "../../core/models/registry.ts";
import type { Architecture } from "../../core/protocol/schemas/recipe.ts";
import type { Layout } from "../../core/tensors/layout.ts";

/** What becomes of a base's output layer when a community learns other classes, or the same in another order. */
export type HeadChange =
  | { readonly kind: "kept" }
  /** The base's output that each class has [classes]. */
  | { readonly kind: "reordered"; readonly places: readonly number[] }
  /** Other classes: the layer begins anew. */
  | { readonly kind: "new" };

/** Compare a base's classes with the data's; a base that names none is taken to have the same if they are as many. */
export function compareClasses(
  base: readonly string[] | null,
  outputs: number,
  classes: readonly string[],
): HeadChange {
  if (classes.length !== outputs) return { kind: "new" };
  const isUnnamed = base === null || base.every((name, place) => name === `LABEL_${place}`);
  if (isUnnamed) return { kind: "kept" };
  const places = classes.map((name) => base.indexOf(name));
  if (places.includes(-1)) return { kind: "new" };
  const isSame = places.every((place, i) => place === i);
  return isSame ? { kind: "kept" } : { kind: "reordered", places };
}

/** Put the rows of the output layer in `parameters` [N] where the classes' order wants them. */
export function reorderHead(
  architecture: Architecture,
  layout: Layout,
  parameters: Float32Array,
  places: readonly number[],
): void {
  for (const name of modelOf(architecture).outputs) {
    const tensor = layout.tensors.find((each) => each.name === name)!; // an architecture's outputs are of its layout
    const row = tensor.size / places.length;
    const rows = parameters.slice(tensor.offset, tensor.offset + tensor.size);
    for (const [to, from] of places.entries()) {
      parameters.set(rows.subarray(from * row, (from + 1) * row), tensor.offset + to * row);
    }
  }
}
