import type { SignedAct } from "../protocol/schemas/act.ts";
import type { VersionRecord } from "../protocol/schemas/version.ts";

/** What the history says of a release that has a bundle (protocol R11). */
export type ReleaseActs = {
  /** Vouches for the key that signs the bundle. */
  readonly key: SignedAct;
  readonly release: SignedAct;
  readonly tag: string;
  readonly publicKey: string;
  /** SHA-256 of the recipe. */
  readonly recipe: string;
  /** SHA-256 of each contributed suite's file, by the suite's name. */
  readonly suites: ReadonlyMap<string, string>;
};

/** The acts that a bundle of release `tag` stands on; null where the release is in none, was taken back, or is from before bundles. */
export function releaseActsOf(acts: readonly SignedAct[], tag: string): ReleaseActs | null {
  let key: Pick<ReleaseActs, "key" | "publicKey"> | null = null;
  let release: Pick<ReleaseActs, "release" | "recipe"> | null = null;
  const suites = new Map<string, string>();
  for (const act of acts) {
    const { deed } = act.record;
    if (deed.kind === "release-key") key = { key: act, publicKey: deed.key };
    if (deed.kind === "accept-suite") suites.set(deed.name, deed.suite);
    if (deed.kind === "unrelease" && deed.tag === tag) release = null;
    if (deed.kind === "release" && deed.tag === tag && deed.recipe !== undefined) {
      release = { release: act, recipe: deed.recipe };
    }
  }
  return key === null || release === null ? null : { ...key, ...release, tag, suites };
}

/** Somebody whose work is in a version. */
export type WorkShare = {
  readonly contributor: string;
  /** Contributions in the version. */
  readonly contributions: number;
};

/** Whose work is in the last of `records`, which are those of a history from version 0 on. */
export function workSharesOf(records: readonly VersionRecord[]): readonly WorkShare[] {
  const reverted = new Set(records.flatMap(({ revert }) => revert?.contributions ?? []));
  const counts = new Map<string, number>();
  for (const { contribution, contributor } of records.flatMap(({ merge }) => merge?.inputs ?? [])) {
    if (!reverted.has(contribution)) counts.set(contributor, (counts.get(contributor) ?? 0) + 1);
  }
  return mostFirst(
    [...counts].map(([contributor, contributions]) => ({ contributor, contributions })),
  );
}

/** `shares` in the order that a release names them: most first, then by key. */
export function mostFirst(shares: readonly WorkShare[]): readonly WorkShare[] {
  return shares.toSorted(
    (a, b) => b.contributions - a.contributions || (a.contributor < b.contributor ? -1 : 1),
  );
}
