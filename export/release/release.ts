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
export type Release = Omit<ExportedVersion, "relay" | "contributors"> & {
  readonly acts: ReleaseActs;
  /** The relay's of the version. */
  readonly signature: string;
  /** Whose work is in it, most first. */
  readonly shares: readonly WorkShare[];
  /** In the order of their indices. */
  readonly shards: readonly ReleaseShard[];
  /** What version 0 promised of the suites, and what was open before this version. */
  readonly sealed: readonly SealedSuite[];
  readonly openedBefore: OpenedPackets | undefined;
};

/** When the release was made, as a date of RFC 3339 in UTC. */
export function releasedAt({ acts }: Pick<Release, "acts">): string {
  return new Date(acts.release.record.createdAt).toISOString();
}
