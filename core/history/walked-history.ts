import { assert } from "../errors.ts";
import type { VersionRecord } from "../protocol/schemas/version.ts";
import type { Layout } from "../tensors/layout.ts";
import type { ReplayPatch } from "./replay.ts";
import { replayVersion } from "./replay.ts";
import { replayHistory, type Strike } from "./replay-history.ts";

const MOST_SNAPSHOT_BYTES = 256 << 20; // 500 versions of a small model, 20 of one with 3M parameters

/** The parameters of a history's versions one after the other, each computed from the one before. */
export type WalkedHistory = {
  /** The parameters [N] of the version walked to last. The next step overwrites them. */
  readonly parameters: Float32Array;
  /**
   * Walk on to `record`, the next version (protocol V6, V7). A revert is replayed from the latest version that it does
   * not reach; `patchesOf` is then asked for the patches since.
   */
  step(
    record: VersionRecord,
    patchesOf: (record: VersionRecord) => Promise<ReadonlyMap<string, ReplayPatch>>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<void>;
};

/** Begins at version 0 with `base` [N], which stays as it is. */
export function walkHistory(layout: Layout, base: Float32Array): WalkedHistory {
  const parameters = new Float32Array(base);
  const records: VersionRecord[] = []; // records[i] is version i + 1
  const mergedIn = new Map<string, number>();
  const strikes = new Map<string, Strike>();
  const snapshots = new Map([[0, new Float32Array(base)]]);
  let every = 1; // versions from one snapshot to the next

  function keepSnapshot(number: number): void {
    if (number % every !== 0) return;
    snapshots.set(number, new Float32Array(parameters));
    while (snapshots.size > 2 && snapshots.size * base.byteLength > MOST_SNAPSHOT_BYTES) {
      every *= 2;
      for (const kept of snapshots.keys()) if (kept % every !== 0) snapshots.delete(kept);
    }
  }

  /** The latest snapshot that holds nothing which a later version reverts; the others never serve again. */
  function startOf(): number {
    for (const number of snapshots.keys()) {
      const isPast = [...strikes.values()].some(
        ({ merged, reverted }) => merged <= number && number < reverted,
      );
      if (isPast) snapshots.delete(number);
    }
    return Math.max(...snapshots.keys()); // version 0 merges nothing and stays
  }

  return {
    parameters,
    async step(record, patchesOf, options) {
      assert(record.number === records.length + 1, "history: a version out of order");
      if (record.merge !== null) {
        const patches = await patchesOf(record);
        const { positions, values } = replayVersion(layout, parameters, record, patches);
        for (let i = 0; i < positions.length; i++) parameters[positions[i]!] = values[i]!;
        for (const { contribution } of record.merge.inputs) {
          mergedIn.set(contribution, record.number);
        }
      }
      records.push(record);
      if (record.revert !== undefined) {
        for (const contribution of record.revert.contributions) {
          const merged = mergedIn.get(contribution);
          assert(merged !== undefined, "history: a revert of what was not merged");
          strikes.set(contribution, { merged, reverted: record.number });
        }
        const start = startOf();
        const replayed = await replayHistory(
          {
            layout,
            parameters: snapshots.get(start)!,
            records: records.slice(start),
            struck: new Set(strikes.keys()),
            patchesOf,
          },
          options,
        );
        parameters.set(replayed);
      }
      keepSnapshot(record.number);
    },
  };
}
