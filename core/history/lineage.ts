import { verifyId } from "../crypto/signature.ts";
import { FormatError } from "../errors.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import type { CallOptions } from "../protocol/http-call.ts";
import { type Ancestor, type VersionRecord, versionRecord } from "../protocol/schemas/version.ts";
import { faultAt, HistoryError } from "./history-fault.ts";
import type { HistorySource } from "./history-source.ts";
import { versionId } from "./version.ts";

/**
 * Why `lineage` cannot be that of the model `own`, null where it is not known yet whose (protocol V14); null if it can. Each
 * ancestor is signed, and none comes twice: no model goes back to itself.
 */
export async function lineageProblem(
  lineage: readonly Ancestor[],
  own: Pick<Ancestor, "relayKey" | "model"> | null,
): Promise<string | null> {
  const seen = new Set(own === null ? [] : [nameOf(own)]);
  for (const ancestor of lineage) {
    const name = nameOf(ancestor);
    if (seen.has(name))
      return `it goes back to ${ancestor.model} of ${ancestor.relayKey} in a circle`;
    seen.add(name);
    if (!(await verifyId("version", ancestor.id, ancestor.signature, ancestor.relayKey))) {
      return `version ${ancestor.number} of ${ancestor.model} is not signed by ${ancestor.relayKey}`;
    }
  }
  return null;
}

const nameOf = ({ relayKey, model }: Pick<Ancestor, "relayKey" | "model">) =>
  `${relayKey}/${model}`;

/**
 * The record of the version that `ancestor` names. Throws a FormatError where the bytes are
 * another record, or that of a version with another `checkpoint` than the fork's version 0.
 */
export async function decodeUpstream(
  bytes: Uint8Array,
  { relayKey, model, number, id }: Ancestor,
  checkpoint: string,
): Promise<VersionRecord> {
  const record = parseJson("upstream", versionRecord, bytes);
  if ((await versionId(record)) !== id) {
    throw new FormatError(`upstream: this is not the record of ${id}`);
  }
  if (record.relayKey !== relayKey || record.model !== model || record.number !== number) {
    throw new FormatError(
      `upstream: ${id} is version ${record.number} of ${record.model}, not ${number} of ${model}`,
    );
  }
  if (record.checkpoint !== checkpoint) {
    throw new FormatError(
      `upstream: version ${number} of ${model} has checkpoint ${record.checkpoint}, and this one ${checkpoint}`,
    );
  }
  return record;
}

/**
 * Verify that a fork's version 0 is the version that it says it began as (protocol V14). Throws a HistoryError where it is
 * not, and a RelayError where the source cannot be reached.
 */
export async function verifyUpstream(
  source: HistorySource,
  { lineage, checkpoint }: VersionRecord,
  options: CallOptions,
): Promise<void> {
  const upstream = lineage?.[0];
  if (upstream === undefined) return;
  try {
    await decodeUpstream(await source.blob(upstream.id, options), upstream, checkpoint);
  } catch (error) {
    if (error instanceof FormatError) throw new HistoryError("lineage", 0, error.message);
    throw faultAt(0, error);
  }
}
