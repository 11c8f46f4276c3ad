import { FormatError } from "../errors.ts";
import { decodePatch, decodePatchHeader } from "../patch/patch.ts";
import { decodePositions } from "../patch/positions.ts";
import { randomPositions } from "../patch/random-mask.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import type { CallOptions } from "../protocol/http-call.ts";
import type { PatchHeader } from "../protocol/schemas/contribution.ts";
import type { Mask } from "../protocol/schemas/mask.ts";
import {
  type ForkName,
  type MergeInputRecord,
  type VersionRecord,
  versionRecord,
} from "../protocol/schemas/version.ts";
import type { Layout } from "../tensors/layout.ts";
import { HistoryError } from "./history-fault.ts";
import type { HistorySource } from "./history-source.ts";
import { forkProblem } from "./proposal.ts";
import type { ReplayPatch } from "./replay.ts";
import type { VerifiedVersion } from "./version.ts";

const KEPT_MASKS = 8; // of the epochs that the work of one version may be based on

/** Reads the patches that a version merged, by contribution id. A FormatError or HistoryError names the one that is not in order. */
export type PatchReader = (
  record: VersionRecord,
  options?: CallOptions,
) => Promise<ReadonlyMap<string, ReplayPatch>>;

/**
 * A reader of the patches of `chain`, which has every version that work is based on, by number. Each header is held
 * against the record (protocol V8).
 */
export function createPatchReader(
  source: HistorySource,
  layout: Layout,
  chain: readonly VerifiedVersion[],
): PatchReader {
  const masks = new Map<string, Promise<Uint32Array | null>>();

  /** The positions of a version's mask; null where they are in each patch. One mask is one array. */
  function positionsOf({ record: { mask } }: VerifiedVersion, options: CallOptions) {
    const key = JSON.stringify(mask);
    const known = masks.get(key);
    if (known !== undefined) return known;
    const positions = readMask(source, layout, mask, options);
    positions.catch(() => masks.delete(key)); // an interrupted read is tried again
    masks.set(key, positions);
    for (const old of [...masks.keys()].slice(0, -KEPT_MASKS)) masks.delete(old);
    return positions;
  }

  async function read(input: MergeInputRecord, record: VersionRecord, options: CallOptions) {
    const { bytes, base } = await readMerged(source, chain, input, record, options);
    const given = await positionsOf(base, options);
    const patch = decodePatch(bytes, layout, given);
    const positions = given ?? patch.positions;
    if (positions === null) throw new FormatError(`${input.contribution}: no positions`);
    return [input.contribution, { patch, positions }] as const;
  }

  return async (record, options = {}) => {
    const inputs = record.merge?.inputs ?? [];
    return new Map(await Promise.all(inputs.map((input) => read(input, record, options))));
  };
}

/**
 * The bytes and the header of a patch that `record` merged, the header held against the record (protocol V8), and the
 * version of `chain` that the work is based on. Throws a HistoryError where they disagree.
 */
export async function readMerged(
  source: HistorySource,
  chain: readonly VerifiedVersion[],
  input: MergeInputRecord,
  { model, number }: VersionRecord,
  options: CallOptions,
): Promise<{ bytes: Uint8Array; header: PatchHeader; base: VerifiedVersion }> {
  const base = chain[input.base]!; // an earlier version, by V5
  const bytes = await source.blob(input.contribution, options);
  const header = decodePatchHeader(bytes);
  const { fork } = input;
  const made = fork === undefined ? { model, version: base.id } : fork;
  const problem =
    headerProblem(header, input, made, base) ??
    (fork === undefined
      ? null
      : await forkProblem(await readForkZero(source, fork, options), fork, base));
  if (problem === null) return { bytes, header, base };
  const message = `contribution ${input.contribution}: ${problem}`;
  throw new HistoryError("input-header", number, message);
}

async function readForkZero(
  source: HistorySource,
  { version }: ForkName,
  options: CallOptions,
): Promise<VersionRecord> {
  return parseJson("fork", versionRecord, await source.blob(version, options));
}

/**
 * What in a merged patch's `header` differs from the record that merged it, and from the model and version that it was made
 * for (protocol V8, K3); null when nothing does.
 */
function headerProblem(
  header: PatchHeader,
  { contributor }: MergeInputRecord,
  made: { readonly model: string; readonly version: string },
  base: VerifiedVersion,
): string | null {
  if (header.contributor !== contributor) {
    return `its header says ${header.contributor} made it, the record ${contributor}`;
  }
  if (header.model !== made.model) {
    return `its header is for ${header.model}, not ${made.model}`;
  }
  if (header.base !== made.version) {
    return `its header is based on ${header.base}, not on version ${base.record.number}`;
  }
  const { mask } = base.record;
  const isWithin =
    mask.kind === "own" && header.mask.kind === "own"
      ? header.mask.count <= mask.count
      : isSameMask(header.mask, mask);
  return isWithin ? null : `its mask is not that of version ${base.record.number}`;
}

function isSameMask(a: Mask, b: Mask): boolean {
  if (a.count !== b.count) return false;
  if (a.kind === "random") return b.kind === "random" && a.seed === b.seed;
  if (a.kind === "shared") return b.kind === "shared" && a.positions === b.positions;
  return b.kind === "own";
}

async function readMask(
  source: HistorySource,
  { size }: Layout,
  mask: Mask,
  options: CallOptions,
): Promise<Uint32Array | null> {
  switch (mask.kind) {
    case "random":
      if (mask.count > size) throw new FormatError(`mask: ${mask.count} of ${size} positions`);
      return randomPositions(mask.seed, mask.count, size);
    case "shared":
      return decodePositions(await source.blob(mask.positions, options), mask.count, size);
    case "own":
      return null;
  }
}
