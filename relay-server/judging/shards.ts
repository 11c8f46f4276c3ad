import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { Shard } from "../../core/protocol/schemas/ticket.ts";
import type { ShardRow } from "../store/tables.ts";

/**
 * The shards of one piece of work, in ascending order: as many as the recipe says of the model's own and, beside
 * them, of those to replay. Those of the lowest `rank` come first, ties are broken by `lot`.
 */
export function chooseShards(
  shards: readonly ShardRow[],
  { shardsPerTicket, replayShardsPerTicket = 0 }: Recipe["data"],
  { rank, lot }: { readonly rank: (shard: ShardRow) => number; readonly lot: () => number },
): ShardRow[] {
  const first = (replay: number, size: number) =>
    shards
      .filter((shard) => shard.replay === replay)
      .map((shard) => ({ shard, rank: rank(shard), lot: lot() }))
      .sort((a, b) => a.rank - b.rank || a.lot - b.lot)
      .slice(0, size)
      .map(({ shard }) => shard);
  return [...first(0, shardsPerTicket), ...first(1, replayShardsPerTicket)].sort(
    (a, b) => a.position - b.position,
  );
}

/** A shard as tickets and jobs name it. */
export function shardOf({ position, sha256, size_bytes, examples, title }: ShardRow): Shard {
  return { index: position, sha256, sizeBytes: size_bytes, examples, title };
}
