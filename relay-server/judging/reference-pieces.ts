import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { createRandom } from "../../core/random.ts";
import { chooseShards } from "../intake/shards.ts";
import type { ShardRow } from "../store/tables.ts";

/** What a piece of the reference is trained on. */
export type ReferencePiece = { readonly shards: readonly ShardRow[]; readonly seed: number };

/**
 * The pieces of a version's reference, each with as many shards as a ticket has. They follow from the version's id, so
 * that a relay that starts anew judges as it did before.
 */
export function drawReferencePieces(
  shards: readonly ShardRow[],
  { data, score }: Recipe,
  versionId: string,
): ReferencePiece[] {
  const random = createRandom(`reference ${versionId}`);
  return Array.from({ length: score.references }, () => ({
    shards: chooseShards(shards, data, { rank: () => 0, lot: random.uint32 }),
    seed: random.uint32(),
  }));
}
