import { verifyId } from "../crypto/signature.ts";
import { FormatError } from "../errors.ts";
import { MAX_FORK_BYTES, MAX_PATCH_BYTES } from "../protocol/limits.ts";
import type { ForkName, SignedVersion, VersionRecord } from "../protocol/schemas/version.ts";
import { decodeSafetensors, encodeSafetensors, tensorOf } from "../tensors/safetensors.ts";
import { decodeVersion, encodeVersion, type VerifiedVersion, versionId } from "./version.ts";

const FORMAT = "commonweight.proposal/1";
const LIMITS = { maxHeaderBytes: 1024, maxTensors: 2 };

/** A fork's contribution on its way to the upstream: the patch as its author signed it, and the fork's version 0. */
export type Proposal = { readonly fork: SignedVersion; readonly patch: Uint8Array<ArrayBuffer> };

/** A proposal as its canonical file (protocol K1). */
export function encodeProposal({ fork, patch }: Proposal): Uint8Array<ArrayBuffer> {
  const parts = { fork: encodeVersion(fork), patch };
  return encodeSafetensors({
    tensors: Object.entries(parts).map(([name, bytes]) => {
      return { name, dtype: "U8", shape: [bytes.length], bytes };
    }),
    metadata: { format: FORMAT },
  });
}

/** Throws a FormatError for bytes that hold no version, or parts that are too long. What the patch is has not been looked at. */
export function decodeProposal(bytes: Uint8Array): Proposal {
  const file = decodeSafetensors("proposal", bytes, LIMITS);
  if (file.metadata.format !== FORMAT) throw new FormatError(`proposal: format is not ${FORMAT}`);
  const part = (name: string, maxBytes: number) => {
    const { bytes: own } = tensorOf("proposal", file, name, "U8", 1);
    if (own.length > maxBytes) {
      throw new FormatError(`proposal: ${own.length} bytes of ${name} > ${maxBytes}`);
    }
    return Uint8Array.from(own);
  };
  return {
    fork: decodeVersion(part("fork", MAX_FORK_BYTES)),
    patch: part("patch", MAX_PATCH_BYTES),
  };
}

/** How a merge names the fork whose version 0 this is. */
export async function forkNameOf({ record, signature }: SignedVersion): Promise<ForkName> {
  const { relayKey, model } = record;
  return { relayKey, model, version: await versionId(record), signature };
}

/**
 * Why `record` is not the version 0 of the fork that `fork` names, or did not begin as the upstream's version `base` (protocol
 * K3); null where it is and did.
 */
export async function forkProblem(
  record: VersionRecord,
  fork: ForkName,
  base: Pick<VerifiedVersion, "id"> & { readonly record: Pick<VersionRecord, "checkpoint"> },
): Promise<string | null> {
  const { relayKey, model, version, signature } = fork;
  if ((await versionId(record)) !== version) return `${version} is another record`;
  if (record.number !== 0 || record.model !== model || record.relayKey !== relayKey) {
    return `${version} is version ${record.number} of ${record.model}, not version 0 of ${model}`;
  }
  if (!(await verifyId("version", version, signature, relayKey))) {
    return `the fork's version 0 is not signed by ${relayKey}`;
  }
  if (record.lineage?.[0]?.id !== base.id || record.checkpoint !== base.record.checkpoint) {
    return `the fork ${model} did not begin as ${base.id}`;
  }
  return null;
}
