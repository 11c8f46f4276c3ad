import { loadAhead } from "../ahead.ts";
import type { CallOptions } from "../protocol/http-call.ts";
import { MAX_MULTIPLIER } from "../protocol/limits.ts";
import { faultAt } from "./history-fault.ts";
import type { HistorySource } from "./history-source.ts";
import { readMerged } from "./merged-patches.ts";
import type { VerifiedVersion } from "./version.ts";

export type ContributorStats = {
  readonly contributor: string;
  /** Contributions in the model, and those that were reverted. */
  merged: number;
  reverted: number;
  /** Examples trained on, and examples · multiplier / 4096 of what is in the model. */
  examples: number;
  credit: number;
  /** Numbers of the versions with their first and latest contribution. */
  readonly first: number;
  last: number;
};

export type HistoryStats = {
  /** Most credit first. */
  readonly contributors: readonly ContributorStats[];
  /** Contributions in the model that were trained on each shard, by its index. */
  readonly shards: ReadonlyMap<number, number>;
  /** Licences of the patches. */
  readonly licences: readonly string[];
};

const HEADERS_AHEAD = 16;

/** Who made a model and from which data, from the headers of the patches that its verified chain merged. */
export async function countContributors(
  source: HistorySource,
  chain: readonly VerifiedVersion[],
  options: CallOptions & { readonly onVersion?: (number: number) => void } = {},
): Promise<HistoryStats> {
  const reverted = new Set(chain.flatMap(({ record }) => record.revert?.contributions ?? []));
  const contributors = new Map<string, ContributorStats>();
  const shards = new Map<number, number>();
  const licences = new Set<string>();
  const inputs = chain.flatMap(({ record }) =>
    (record.merge?.inputs ?? []).map((input) => ({ input, record })),
  );
  const read = async ({ input, record }: (typeof inputs)[number]) => {
    try {
      const { header } = await readMerged(source, chain, input, record, options);
      return { header, input, number: record.number };
    } catch (error) {
      throw faultAt(record.number, error);
    }
  };
  for await (const { header, input, number } of loadAhead(inputs, HEADERS_AHEAD, read)) {
    const { contributor, contribution, multiplier } = input;
    const stats = contributors.get(contributor) ?? blank(contributor, number);
    contributors.set(contributor, stats);
    stats.last = number;
    stats.examples += header.examples;
    licences.add(header.licence);
    options.onVersion?.(number);
    if (reverted.has(contribution)) {
      stats.reverted++;
      continue;
    }
    stats.merged++;
    stats.credit += (header.examples * multiplier) / MAX_MULTIPLIER;
    if (input.fork !== undefined) continue; // its shards are the fork's
    for (const shard of header.shards) shards.set(shard, (shards.get(shard) ?? 0) + 1);
  }
  return {
    contributors: [...contributors.values()].sort((a, b) => b.credit - a.credit),
    shards,
    licences: [...licences],
  };
}

function blank(contributor: string, first: number): ContributorStats {
  return { contributor, merged: 0, reverted: 0, examples: 0, credit: 0, first, last: first };
}
