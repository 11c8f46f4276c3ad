import { assert } from "../errors.ts";
import { decodeHex, encodeHex } from "../hex.ts";

/** The platform's own key type: Node's and the browsers' libraries name it differently. */
export type SigningKey = Parameters<typeof crypto.subtle.sign>[1];
/** A contributor's or a relay's Ed25519 keys. */
export type KeyPair = { readonly publicKey: SigningKey; readonly privateKey: SigningKey };

/** What a signature is for; the word is signed too, so that none can be used as another. */
export type SignaturePurpose =
  | "contribution"
  | "ticket"
  | "version"
  | "request"
  | "session"
  | "act"
  | "judgement"
  | "suite";

/** SHA-256 of `bytes` in hexadecimal. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** A new Ed25519 key pair (RFC 8032); the private key cannot be read out unless `extractable`. */
export async function generateKeyPair(extractable: boolean): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey("Ed25519", extractable, ["sign", "verify"]);
  assert("privateKey" in keys, "Ed25519 gave a single key");
  return keys;
}

/** The public key as the 64 hexadecimal digits that name a contributor. */
export async function publicKeyHex(pair: KeyPair): Promise<string> {
  return encodeHex(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
}

/** Sign the SHA-256 `idHex` for one purpose (protocol S1): Ed25519 over "commonweight/<purpose>/1\0" + id. */
export async function signId(
  purpose: SignaturePurpose,
  idHex: string,
  privateKey: SigningKey,
): Promise<string> {
  const bytes = await crypto.subtle.sign("Ed25519", privateKey, signedBytes(purpose, idHex));
  return encodeHex(new Uint8Array(bytes));
}

/** Whether `signatureHex` is `publicKey`'s signature of `idHex` for that purpose. */
export async function verifyId(
  purpose: SignaturePurpose,
  idHex: string,
  signatureHex: string,
  publicKey: string,
): Promise<boolean> {
  const key = await crypto.subtle
    .importKey("raw", decodeHex(publicKey), "Ed25519", true, ["verify"])
    .catch(() => null); // 32 bytes that are no point of the curve: a foreign key, not our bug
  if (key === null) return false;
  const bytes = signedBytes(purpose, idHex);
  return crypto.subtle.verify("Ed25519", key, decodeHex(signatureHex), bytes);
}

function signedBytes(purpose: SignaturePurpose, idHex: string): Uint8Array<ArrayBuffer> {
  const id = decodeHex(idHex);
  const domain = new TextEncoder().encode(`commonweight/${purpose}/1\0`);
  const bytes = new Uint8Array(domain.length + id.length);
  bytes.set(domain);
  bytes.set(id, domain.length);
  return bytes;
}
