import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { createRandom } from "../../core/random.ts";
import type { ShardRow } from "../store/tables.ts";
import { chooseShards } from "./shards.ts";

/** What a piece of the reference is trained on. */
export type ReferencePiece = { readonly shards: readonly ShardRow[]; readonly seed: number };

/**
 * The pieces of a version's reference, each with as many shards as a ticket has. They follow from the version's
 * secret seed: whoever could foresee them could send their direction without training.
 */
export function drawReferencePieces(
  shards: readonly ShardRow[],
  { data, score }: Recipe,
  secretSeed: string,
): ReferencePiece[] {
  const random = createRandom(`reference ${secretSeed}`);
  return Array.from({ length: score.references }, () => ({
    shards: chooseShards(shards, data, { rank: () => 0, lot: random.uint32 }),
    seed: random.uint32(),
  }));
}
