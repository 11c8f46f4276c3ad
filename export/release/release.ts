import type { LaterData } from "../../core/history/later-data.ts";
import type { ReleaseActs, WorkShare } from "../../core/history/release-acts.ts";
import type { OpenedPackets, SealedSuite } from "../../core/protocol/schemas/version.ts";
import type { ExportedVersion } from "../exported-version.ts";

/** A shard of the data that volunteers train on. */
export type ReleaseShard = {
  readonly title: string;
  readonly sha256: string;
  readonly examples: number;
};

/** A release to be bundled: all of it follows from the public record, whoever writes it. */
export type Release = Omit<ExportedVersion, "relay" | "contributors" | "names"> & {
  readonly acts: ReleaseActs;
  /** The relay's of the version. */
  readonly signature: string;
  /** Whose work is in it, most first. */
  readonly shares: readonly WorkShare[];
  /** Those that were there before data came on this version or a later one, in the order of their indices. */
  readonly shards: readonly ReleaseShard[];
  /** What version 0 promised of the suites, and what was open before this version. */
  readonly sealed: readonly SealedSuite[];
  readonly openedBefore: OpenedPackets | undefined;
};

/** The shards that a version's work may have trained on: of `shards`, those before the first that came on it or on a later one. */
export function shardsBefore<Shard>(
  shards: readonly Shard[],
  laterData: readonly LaterData[],
  version: number,
): readonly Shard[] {
  return shards.slice(0, laterData.find(({ since }) => since >= version)?.first);
}

/** When the release was made, as a date of RFC 3339 in UTC. */
export function releasedAt({ acts }: Pick<Release, "acts">): string {
  return new Date(acts.release.record.createdAt).toISOString();
}
