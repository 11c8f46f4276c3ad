import type { ModelSource } from "../../core/models/model-source.ts";
import { layoutOf } from "../../core/models/registry.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { decodeCheckpointFile } from "../../core/tensors/checkpoint-file.ts";
import type { Layout } from "../../core/tensors/layout.ts";
import { decodeExamples, type Examples } from "../../core/training/examples.ts";

/** A shipped model, decoded and in memory. */
export type SimModel = {
  readonly recipe: Recipe;
  readonly layout: Layout;
  /** The parameters of version 0 [N]. */
  readonly base: Float32Array;
  readonly shards: readonly Examples[];
  readonly heldOut: {
    readonly score: Examples;
    readonly gate: Examples;
    readonly report: Examples;
  };
};

export async function loadModel(source: ModelSource): Promise<SimModel> {
  const { recipe } = source;
  const { architecture } = recipe;
  const layout = layoutOf(architecture);
  const shards: Examples[] = [];
  for await (const { title, bytes } of source.shards()) {
    shards.push(decodeExamples(title, bytes, architecture));
  }
  const { score, gate, report } = await source.heldOut();
  return {
    recipe,
    layout,
    base: decodeCheckpointFile("base", await source.base(), layout),
    shards,
    heldOut: {
      score: decodeExamples("score set", score, architecture),
      gate: decodeExamples("gate set", gate, architecture),
      report: decodeExamples("report set", report, architecture),
    },
  };
}
