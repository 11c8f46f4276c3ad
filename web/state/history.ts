import type { VersionList, VersionSummary } from "../../core/protocol/schemas/version.ts";

/**
 * `page` put together with what is `known` of the same history, newest first. A page that does not
 * reach what is known replaces it, so that the list never has a gap.
 */
export function mergeVersions(known: VersionList | null, page: VersionList): VersionList {
  const oldest = page.versions.at(-1);
  const newest = page.versions[0];
  if (known === null || oldest === undefined || newest === undefined) return page;
  const older = known.versions.filter(({ number }) => number < oldest.number);
  const newer = known.versions.filter(({ number }) => number > newest.number);
  const joins = known.versions.some(({ number }) => number >= oldest.number - 1);
  const touches = known.versions.some(({ number }) => number <= newest.number + 1);
  if (!joins || !touches) return page;
  return {
    versions: [...newer, ...page.versions, ...older],
    next: older.length > 0 ? known.next : page.next,
  };
}

/** `known` with a version that was just published; null when something in between is missing. */
export function addVersion(known: VersionList, version: VersionSummary): VersionList | null {
  const head = known.versions[0];
  if (head !== undefined && version.number <= head.number) return known;
  if (head !== undefined && version.number > head.number + 1) return null;
  return { ...known, versions: [version, ...known.versions] };
}

/** Whether a version takes a contribution out again: every other one after the base merges some. */
export function isRevert({ number, contributions }: VersionSummary): boolean {
  return number > 0 && contributions === 0;
}

/** Each of `versions`, newest first, with what its accuracy gained on the one before; null where that is not listed. */
export function withGains(
  versions: readonly VersionSummary[],
): { readonly version: VersionSummary; readonly gain: number | null }[] {
  return versions.map((version, i) => {
    const parent = versions[i + 1];
    return { version, gain: parent ? version.report.accuracy - parent.report.accuracy : null };
  });
}

/** Whether `version` is older than all that is listed: reading on would come to it. */
export function isFurtherBack(known: VersionList | null, version: number | null): boolean {
  const next = known?.next ?? null;
  return version !== null && next !== null && version < next;
}
