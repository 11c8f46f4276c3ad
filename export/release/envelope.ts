import * as z from "zod/mini";
import { sha256 } from "../../core/crypto/signature.ts";
import { FormatError } from "../../core/errors.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import { type ReleaseKey, releaseKeyPem, signForRelease, verifyForRelease } from "./release-key.ts";

const IN_TOTO = "application/vnd.in-toto+json";
const SIGSTORE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** Signed bytes of a statement, as DSSE has them. Source: https://github.com/secure-systems-lab/dsse, v1.0. */
const envelope = z.object({
  payload: z.string(),
  payloadType: z.literal(IN_TOTO),
  signatures: z.array(z.object({ sig: z.string() })).check(z.length(1)),
});
type Envelope = z.infer<typeof envelope>;

/** A statement in the envelope that `key` seals. */
export function sealStatement(statement: unknown, key: ReleaseKey): Envelope {
  const payload = encodeCanonical(statement);
  const sig = base64(signForRelease(signedBytes(payload), key));
  return { payload: base64(payload), payloadType: IN_TOTO, signatures: [{ sig }] };
}

/** The statement's bytes in an envelope; a FormatError unless `publicKey` signed them. */
export function openEnvelope(given: unknown, publicKey: string): Uint8Array<ArrayBuffer> {
  const { success, data } = envelope.safeParse(given);
  if (!success) throw new FormatError("envelope: not one of DSSE with a single signature");
  const payload = bytesOf(data.payload);
  const signature = bytesOf(data.signatures[0]!.sig); // the schema has counted
  if (verifyForRelease(signedBytes(payload), signature, publicKey)) return payload;
  throw new FormatError(`envelope: not signed by ${publicKey}`);
}

/** The envelope as a sigstore bundle, which says by a hash of its PEM file which key signed. */
export async function sigstoreBundle(dsseEnvelope: Envelope, publicKey: string): Promise<unknown> {
  const hint = await sha256(new TextEncoder().encode(releaseKeyPem(publicKey)));
  const verificationMaterial = { publicKey: { hint }, tlogEntries: [] };
  return { mediaType: SIGSTORE, verificationMaterial, dsseEnvelope };
}

const bundle = z.object({ mediaType: z.literal(SIGSTORE), dsseEnvelope: z.unknown() });

/** The envelope in a sigstore bundle; a FormatError for anything else. */
export function envelopeIn(given: unknown): unknown {
  const { success, data } = bundle.safeParse(given);
  if (!success) throw new FormatError(`bundle: not a sigstore bundle of type ${SIGSTORE}`);
  return data.dsseEnvelope;
}

/** DSSE's pre-authentication encoding. */
function signedBytes(payload: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(`DSSEv1 ${IN_TOTO.length} ${IN_TOTO} ${payload.length} `);
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return bytes;
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

/** The bytes of base64 with padding; a FormatError for anything else. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) throw new FormatError("envelope: not in base64");
  return new Uint8Array(bytes);
}
