import type { MergeInputRecord, VersionRecord } from "../protocol/schemas/version.ts";

/** A contribution that was trained on a version with a reverted one in it. */
export type Learner = Pick<MergeInputRecord, "contribution" | "contributor" | "base"> & {
  /** The version that merged it. */
  readonly version: number;
  /** The version that took it out in its turn; null while it is in the model. */
  readonly reverted: number | null;
};

/** What a revert could not take out (protocol V15). */
export type RevertCertificate = {
  readonly contribution: string;
  readonly contributor: string;
  /** The versions that merged it and took it out. */
  readonly version: number;
  readonly reverted: number;
  /** In the order of the versions that merged them. */
  readonly learners: readonly Learner[];
  /** Learners that are in the model: with none the certificate is closed. */
  readonly left: number;
};

/**
 * Who learnt from a contribution that the last of `records`, which begin with version 0's, has no more; "unknown" where none of them
 * merged it, "merged" where none took it out.
 */
export function revertCertificate(
  records: readonly VersionRecord[],
  contribution: string,
): RevertCertificate | "unknown" | "merged" {
  const reverts = new Map<string, number>();
  for (const { number, revert } of records) {
    for (const id of revert?.contributions ?? []) reverts.set(id, number);
  }
  const all: readonly Learner[] = records.flatMap(({ number, merge }) =>
    (merge?.inputs ?? []).map(({ contribution, contributor, base }) => ({
      contribution,
      contributor,
      base,
      version: number,
      reverted: reverts.get(contribution) ?? null,
    })),
  );
  const own = all.find((each) => each.contribution === contribution);
  if (own === undefined) return "unknown";
  const { contributor, version, reverted } = own;
  if (reverted === null) return "merged";
  const learners = all.filter(({ base }) => base >= version && base < reverted);
  const left = learners.filter((each) => each.reverted === null).length;
  return { contribution, contributor, version, reverted, learners, left };
}
