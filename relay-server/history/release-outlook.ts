import { assert } from "../../core/errors.ts";
import { type ReleaseEvidence, releaseEvidence } from "../../core/history/release-number.ts";
import { decodeVersion } from "../../core/history/version.ts";
import type { VersionRecord } from "../../core/protocol/schemas/version.ts";
import type { RelayContext } from "../context.ts";
import type { ReleaseRow } from "../store/tables.ts";

/** What a version would be as the next release, by the public record alone. */
export type ReleaseOutlook = {
  readonly id: string;
  readonly record: VersionRecord;
  /** The last release; null before the first. */
  readonly last: { readonly tag: string; readonly record: VersionRecord } | null;
  readonly evidence: ReleaseEvidence;
};

/** Null if the model has no version of that number. */
export async function releaseOutlook(
  { history }: Pick<RelayContext, "history">,
  model: string,
  number: number,
): Promise<ReleaseOutlook | null> {
  const [version, release] = await Promise.all([
    history.version(model, number),
    history.release(model),
  ]);
  if (version === undefined) return null;
  const { record } = decodeVersion(version.signed);
  const last = release === undefined ? null : await releasedRecord(release);
  return { id: version.id, record, last, evidence: releaseEvidence(record, last) };

  async function releasedRecord({ tag, version: released }: ReleaseRow) {
    const row = await history.version(model, released);
    assert(row !== undefined, `${model}: release ${tag} names no version`);
    return { tag, record: decodeVersion(row.signed).record };
  }
}
