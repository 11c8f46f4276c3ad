import { type SigningKey, sha256, signId, verifyId } from "../crypto/signature.ts";
import { FormatError } from "../errors.ts";
import { denominatorOf } from "../merge/rules.ts";
import { encodeCanonical, parseJson } from "../protocol/canonical-json.ts";
import {
  type MergeInputRecord,
  type SignedVersion,
  signedVersion,
  type VersionRecord,
} from "../protocol/schemas/version.ts";

/** A version's id (protocol V1): the SHA-256 of the RFC 8785 form of its record. */
export function versionId(record: VersionRecord): Promise<string> {
  return sha256(encodeCanonical(record));
}

/** Sign `record` with the relay's publishing key. */
export async function signVersion(
  record: VersionRecord,
  relayKey: SigningKey,
): Promise<SignedVersion> {
  return { record, signature: await signId("version", await versionId(record), relayKey) };
}

/** The bytes that are stored and served, never written anew: the RFC 8785 form of both. */
export function encodeVersion(version: SignedVersion): Uint8Array<ArrayBuffer> {
  return encodeCanonical(version);
}

/** The version in `bytes`; a FormatError unless they are what `encodeVersion` writes. */
export function decodeVersion(bytes: Uint8Array): SignedVersion {
  const version = parseJson("version", signedVersion, bytes);
  const canonical = encodeVersion(version);
  if (canonical.length !== bytes.length || canonical.some((byte, i) => byte !== bytes[i])) {
    throw new FormatError("version: not in RFC 8785 form");
  }
  return version;
}

/** A record whose signature and place in the chain have been verified. */
export type VerifiedVersion = { readonly id: string; readonly record: VersionRecord };

/** The first rule of the chain that a version breaks (protocol V3–V5, V7, V9). */
export type VersionFault =
  | "key"
  | "signature"
  | "model"
  | "number"
  | "chain"
  | "origin"
  | "denominator"
  | "gate"
  | "input-order"
  | "input-base"
  | "input-repeated"
  | "input-signature"
  | "revert-order"
  | "revert-unknown";

export type VersionVerdict =
  | { readonly ok: true; readonly version: VerifiedVersion }
  | { readonly ok: false; readonly fault: VersionFault; readonly message: string };

/** What became of every contribution that a chain has merged, by id. */
export type ChainContributions = ReadonlyMap<string, "merged" | "reverted">;

/** Enter what a verified `record` merges or reverts into the `contributions` of its chain. */
export function followContributions(
  contributions: Map<string, "merged" | "reverted">,
  { merge, revert }: VersionRecord,
): void {
  for (const { contribution } of merge?.inputs ?? []) contributions.set(contribution, "merged");
  for (const contribution of revert?.contributions ?? []) {
    contributions.set(contribution, "reverted");
  }
}

/**
 * Whether `version` continues the history after `parent` (null: is its version 0), whose chain has
 * merged and reverted `contributions`, and is signed with `relayKey`, 64 hexadecimal digits. What it
 * merges or reverts is replayed elsewhere; scores can only be believed.
 */
export async function verifyVersion(
  { record, signature }: SignedVersion,
  parent: VerifiedVersion | null,
  relayKey: string,
  contributions: ChainContributions,
): Promise<VersionVerdict> {
  const place =
    checkPlace(record, parent) ??
    checkEvidence(record) ??
    checkInputs(record, contributions) ??
    checkRevert(record, contributions);
  if (place !== null) return place;
  if (record.relayKey !== relayKey) return fail("key", `signs with ${record.relayKey}`);
  const id = await versionId(record);
  if (!(await verifyId("version", id, signature, relayKey))) {
    return fail("signature", `version ${record.number} is not signed by ${relayKey}`);
  }
  for (const { contribution, contributor, signature } of record.merge?.inputs ?? []) {
    if (!(await verifyId("contribution", contribution, signature, contributor))) {
      return fail("input-signature", `${contribution} is not signed by ${contributor}`);
    }
  }
  return { ok: true, version: { id, record } };
}

function checkPlace(record: VersionRecord, parent: VerifiedVersion | null): VersionVerdict | null {
  if (record.parent !== (parent?.id ?? null)) {
    return fail("chain", `parent is ${record.parent}, not ${parent?.id ?? null}`);
  }
  const number = parent === null ? 0 : parent.record.number + 1;
  if (record.number !== number) return fail("number", `number is ${record.number}, not ${number}`);
  if (parent !== null && record.model !== parent.record.model) {
    return fail("model", `model is ${record.model}, not ${parent.record.model}`);
  }
  const changes = (record.merge === null ? 0 : 1) + (record.revert === undefined ? 0 : 1);
  const isTested = record.evaluation.gate !== null;
  if (number === 0 ? changes > 0 || isTested : changes !== 1) {
    return fail("origin", "version 0 has no change and no gate, every other a merge or a revert");
  }
  if (record.merge !== null && !isTested) return fail("origin", "a merge has passed the gate");
  return null;
}

/** What a record says of itself must agree with itself (protocol V9). */
function checkEvidence({ merge, evaluation: { gate } }: VersionRecord): VersionVerdict | null {
  if (merge !== null && merge.denominator !== denominatorOf(merge.rule)) {
    return fail("denominator", `${merge.rule} does not divide by ${merge.denominator}`);
  }
  for (const { suite, against, decision, logEvidence, passAt } of gate?.tests ?? []) {
    if (decision !== "pass" || logEvidence < passAt) {
      return fail("gate", `its ${suite} test against the ${against} did not pass`);
    }
  }
  const flips = gate?.flips;
  if (flips !== undefined && flips.flips > flips.budget * flips.rightBefore) {
    return fail("gate", `${flips.flips} flips are past their budget`);
  }
  return null;
}

function checkInputs(
  record: VersionRecord,
  contributions: ChainContributions,
): VersionVerdict | null {
  let previous: MergeInputRecord | null = null;
  for (const input of record.merge?.inputs ?? []) {
    if (previous !== null && input.contribution <= previous.contribution) {
      return fail("input-order", `${input.contribution} follows ${previous.contribution}`);
    }
    if (input.base >= record.number) {
      return fail("input-base", `${input.contribution} is based on version ${input.base}`);
    }
    if (contributions.has(input.contribution)) {
      return fail("input-repeated", `${input.contribution} was merged before`);
    }
    previous = input;
  }
  return null;
}

function checkRevert(
  { revert }: VersionRecord,
  contributions: ChainContributions,
): VersionVerdict | null {
  let previous = "";
  for (const contribution of revert?.contributions ?? []) {
    if (contribution <= previous) {
      return fail("revert-order", `${contribution} follows ${previous}`);
    }
    if (contributions.get(contribution) !== "merged") {
      return fail("revert-unknown", `${contribution} is not part of the model`);
    }
    previous = contribution;
  }
  return null;
}

function fail(fault: VersionFault, message: string): VersionVerdict {
  return { ok: false, fault, message: `version: ${message}` };
}
