import { type SigningKey, sha256, signId, verifyId } from "../crypto/signature.ts";

/**
 * The id of a request that its sender signs (protocol S3): SHA-256 of the path as `routes` has it, a
 * line feed, and the body's bytes. The path is in it so that one request cannot be sent as another.
 */
export function requestId(path: string, body: Uint8Array<ArrayBuffer>): Promise<string> {
  const head = new TextEncoder().encode(`${path}\n`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return sha256(bytes);
}

/** The value of SIGNATURE_HEADER for `body`, sent to `path`. */
export async function signRequest(
  path: string,
  body: Uint8Array<ArrayBuffer>,
  privateKey: SigningKey,
): Promise<string> {
  return signId("request", await requestId(path, body), privateKey);
}

/** Whether `signatureHex` is `publicKey`'s signature of this request. */
export async function verifyRequest(
  path: string,
  body: Uint8Array<ArrayBuffer>,
  signatureHex: string,
  publicKey: string,
): Promise<boolean> {
  return verifyId("request", await requestId(path, body), signatureHex, publicKey);
}
