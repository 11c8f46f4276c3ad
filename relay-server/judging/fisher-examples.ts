import type { Random } from "../../core/random.ts";
import type { ShardRow } from "../store/tables.ts";

/** Examples from…to−1 of a shard. */
export type ShardRun = { readonly shard: ShardRow; readonly from: number; readonly to: number };

const MOST_SHARDS = 32; // a mask for everybody should know more than a few speakers; each is at most 4 MiB

/** About `count` examples of a model's own shards, as runs of equal length in shards drawn at random. */
export function drawFisherExamples(
  shards: readonly ShardRow[],
  count: number,
  random: Random,
): ShardRun[] {
  const drawn = shards
    .filter(({ replay }) => replay === 0)
    .map((shard) => ({ shard, lot: random.uint32() }))
    .sort((a, b) => a.lot - b.lot)
    .slice(0, MOST_SHARDS);
  const length = Math.ceil(count / drawn.length);
  return drawn.map(({ shard }) => {
    const from = random.below(Math.max(0, shard.examples - length) + 1);
    return { shard, from, to: Math.min(from + length, shard.examples) };
  });
}
