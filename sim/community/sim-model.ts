import type { Suite } from "../../core/gate/judge.ts";
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
  /** Shards of the base's own domain; empty where the model has none. */
  readonly replayShards: readonly Examples[];
  /** Of the protected suite only where the model has one. */
  readonly heldOut: Readonly<Record<Exclude<Suite, "protected">, Examples>> & {
    readonly protected?: Examples;
  };
};

export async function loadModel(source: ModelSource): Promise<SimModel> {
  const { recipe } = source;
  const { architecture } = recipe;
  const layout = layoutOf(architecture);
  const shards: Examples[] = [];
  const replayShards: Examples[] = [];
  for await (const { title, bytes, isReplay = false } of source.shards()) {
    (isReplay ? replayShards : shards).push(decodeExamples(title, bytes, architecture));
  }
  const files = await source.heldOut();
  const decode = (suite: Suite, bytes: Uint8Array) =>
    decodeExamples(`${suite} set`, bytes, architecture);
  return {
    recipe,
    layout,
    base: decodeCheckpointFile("base", await source.base(), layout),
    shards,
    replayShards,
    heldOut: {
      score: decode("score", files.score),
      gate: decode("gate", files.gate),
      report: decode("report", files.report),
      ...(files.protected && { protected: decode("protected", files.protected) }),
    },
  };
}
