import { parseJson } from "../protocol/canonical-json.ts";
import type { CallOptions } from "../protocol/http-call.ts";
import { type ShardList, shardList } from "../protocol/schemas/data.ts";
import type { Shard } from "../protocol/schemas/ticket.ts";
import type { DataStanding } from "./act.ts";
import { faultAt, HistoryError } from "./history-fault.ts";
import type { HistorySource } from "./history-source.ts";

/**
 * Verify that each list of added shards says what its act says, and that volunteers are given those shards (protocol R10).
 * Throws a HistoryError at the first that does not hold.
 */
export async function verifyData(
  source: HistorySource,
  additions: readonly DataStanding[],
  options: CallOptions,
): Promise<void> {
  if (additions.length === 0) return;
  const served = await source.shards(options);
  for (const data of additions) {
    const problem = listProblem(await readList(source, data, options), data, served);
    if (problem !== null) {
      throw new HistoryError("act-data", null, `the data of ${data.source}: ${problem}`);
    }
  }
}

async function readList(
  source: HistorySource,
  { list, since }: DataStanding,
  options: CallOptions,
): Promise<ShardList["shards"]> {
  try {
    return parseJson("list of shards", shardList, await source.blob(list, options)).shards;
  } catch (error) {
    throw faultAt(since, error);
  }
}

function listProblem(
  listed: readonly Shard[],
  { first, shards, examples }: DataStanding,
  served: readonly Shard[],
): string | null {
  const sum = listed.reduce((total, shard) => total + shard.examples, 0);
  if (listed.length !== shards || sum !== examples) {
    return `their list has ${listed.length} shards of ${sum} examples, and the act ${shards} of ${examples}`;
  }
  for (const [i, shard] of listed.entries()) {
    if (shard.index !== first + i) return `shard ${shard.index} stands where ${first + i} should`;
    const { sha256, sizeBytes } = served[shard.index] ?? {};
    if (sha256 !== shard.sha256 || sizeBytes !== shard.sizeBytes) {
      return `shard ${shard.index} that volunteers are given is another one`;
    }
  }
  return null;
}
