import { assert } from "../errors.ts";
import type { VersionRecord } from "../protocol/schemas/version.ts";
import type { Layout } from "../tensors/layout.ts";
import { type ReplayPatch, replayVersion } from "./replay.ts";

/** A contribution that is struck: the version that merged it, and the one that reverts it. */
export type Strike = { readonly merged: number; readonly reverted: number };

export type HistoryReplay = {
  readonly layout: Layout;
  /** Parameters [N] of the version before the first of `records`; they stay as they are. */
  readonly parameters: Float32Array;
  /** The records after it, in order, without a gap. */
  readonly records: AsyncIterable<VersionRecord> | Iterable<VersionRecord>;
  /** Every contribution that is struck, those that `records` revert among them. */
  readonly struck: ReadonlySet<string>;
  /** The patches that `record` merged, by contribution id; they are held for one version at a time. */
  readonly patchesOf: (record: VersionRecord) => Promise<ReadonlyMap<string, ReplayPatch>>;
};

/**
 * The parameters [N] to which a history leads without the contributions in `struck` (protocol V7): a
 * pure function of the base, the recorded merges and the patches. What the relay published is this with
 * what its history has reverted. Memory: the parameters, one record and its patches.
 */
export async function replayHistory(
  { layout, parameters, records, struck, patchesOf }: HistoryReplay,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Float32Array> {
  const replayed = new Float32Array(parameters);
  for await (const record of records) {
    signal?.throwIfAborted();
    for (const contribution of record.revert?.contributions ?? []) {
      assert(struck.has(contribution), `replay: ${contribution} is reverted, but not struck`);
    }
    if (record.merge === null) continue; // what a revert takes out never enters
    const patches = await patchesOf(record);
    const { positions, values } = replayVersion(layout, replayed, record, patches, struck);
    for (let i = 0; i < positions.length; i++) replayed[positions[i]!] = values[i]!;
  }
  return replayed;
}

/**
 * The latest version whose published parameters a replay with `strikes` may start from: none of what is
 * reverted after it was merged before it.
 */
export function replayStart(head: number, strikes: readonly Strike[]): number {
  let start = head;
  for (;;) {
    const earlier = strikes
      .filter(({ merged, reverted }) => merged <= start && reverted > start)
      .map(({ merged }) => merged - 1);
    if (earlier.length === 0) return start;
    start = Math.min(...earlier);
  }
}
